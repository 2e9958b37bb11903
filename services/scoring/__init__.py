"""How soon an adult should look at a child, and why: rules, an online model, bands as a fold over settled days."""
