"""The HTTP/1.1 client that calls of models go through (RFC 9110 and 9112, without redirects, cookies and proxies)."""
