"""OpenAI's chat completions, as OpenAI and all who followed speak them."""
