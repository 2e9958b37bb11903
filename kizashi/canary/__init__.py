"""The canary: one synthetic record a minute through the ordinary door, timed until it stands in the read model.

docs/decisions/0006-canary.md says why it is made this way.
"""
