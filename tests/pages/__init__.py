"""Pages as a person sees them, on the real services in a folder of their own."""
