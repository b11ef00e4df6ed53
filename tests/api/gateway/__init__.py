"""The gateway from outside: a real server, a misbehaving upstream."""
