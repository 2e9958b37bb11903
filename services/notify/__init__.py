"""Whom to tell, how, and how often: alerts, their budget, their routing and their life."""
