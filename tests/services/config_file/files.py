"""Files as people write them, from small to everything at once."""

SMALL = """
[[providers]]
name = "local"
kind = "openai-compatible"
base_url = "http://127.0.0.1:9900/v1/"
api_key = "sk-0123456789abcdef"
"""

EVERYTHING = """
# the team's gateway
[settings]
team_name = "Blue \\"team\\""
max_body_mb = 64

[[providers]]
name = "openai-main"
kind = "openai"
formats = ["openai-chat"]
api_keys = ["sk-first-0123456789", "sk-second-0123456789"]
priority = 50
rate_limit = { requests = 1000, tokens = 1000000, window_s = 60 }

[[providers.models]]
id = "gpt-4o-mini"
alias = "small"
price = { input = "0.15", output = "0.60", cache_read = "0.075", cache_write = "0" }
context_window = 128000
max_output_tokens = 16384
capabilities = ["chat", "vision", "tools"]

[[providers.models]]
id = "gpt-4o"
enabled = false

[[providers]]
name = "claude"
kind = "anthropic"
api_key_env = "A_KEY_THAT_IS_NOT_SET"
enabled = false

[[providers]]
name = "demo"
kind = "demo"
enabled = false

[[routers]]
name = "default"
max_attempts = 2
timeout_s = 30

[[routers.rules]]
name = "pictures"
when = { models = ["gpt-4o*"], capabilities = ["vision"], hours = "08-20", stream = true, budget_left_below = 0.25 }
unless = { tags = ["no-route"] }
targets = [
  { provider = "openai-main", model = "gpt-4o-mini", weight = 3 },  # three of four
  { provider = "claude", model = "claude-x" },
]
on_failure = "router:spare"

[[routers.rules]]

[[routers]]
name = "spare"

[[keys]]
name = "ci"
secret = "gw_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
owner = "Ada@example.org"
router = "spare"
models = ["gpt-*", "small"]
budgets = [ { usd = "5.00", window = "day" }, { usd = 50, window = "month" } ]
on_budget = "cheapest"
unknown_price = "allow"
limits = { rps = 10, rpm = 100, concurrent = 20 }
allowed_ips = ["127.0.0.1"]
allowed_referrers = ["https://app.example.org"]
scopes = ["models", "chat"]
expires = 2027-01-01

[[keys]]
name = "until noon"
expires = "2027-01-01T12:00:00+01:00"
enabled = false

[[users]]
email = "ada@example.org"
name = "Ada"
role = "owner"
password = "correct horse battery"

[[users]]
email = "Bob@Example.org"
enabled = false
"""

PEOPLE = """
[[users]]
email = "ada@example.org"
role = "owner"
password = "correct horse battery"
"""

DEMO_WITH_OWN_MODELS = """
[[providers]]
name = "demo"
kind = "demo"
priority = 5
models = [ { id = "demo/chat", alias = "helper" }, { id = "demo/echo", enabled = false } ]
"""

PRICED = """
[[providers]]
name = "priced"
kind = "openai-compatible"
base_url = "http://127.0.0.1:9900/v1"

[[providers.models]]
id = "everything-priced"

[providers.models.price]
input = "1"
output = 2
cache_read = "0.1"
cache_write = "1.25"
cache_write_1h = "2"
reasoning = "3"
audio_input = "5"
audio_output = "9"
image_input = 0.5
image = "0.04"
minute = "0.006"
request = "0.012"
tiers = [ { above = 500000, input = "4", output = 8 }, { above = 200000, input = "2", cache_write_1h = "4" } ]
"""

ODD_NAMES = r"""
[[keys]]
name = "tab\there, \\ and \u007f \u00e9 # no comment"
[[routers]]
name = "a.b-c_d"
rules = [ { name = 'says "this"' } ]
"""

ALL = {
    "nothing": "",
    "small": SMALL,
    "everything": EVERYTHING,
    "people": PEOPLE,
    "priced": PRICED,
    "odd names": ODD_NAMES,
    "demo": DEMO_WITH_OWN_MODELS,
}
