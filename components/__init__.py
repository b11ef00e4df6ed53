"""Parts that pages share: the page frame, the theme, and everything a person sees more than once."""
