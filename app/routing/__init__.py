"""Pure routing: candidates, rules, plans, breakers."""
