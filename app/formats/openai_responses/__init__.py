"""OpenAI's Responses, as OpenAI and those who followed speak them."""
