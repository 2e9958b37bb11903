"""Readers fill the views of ``views.py`` inside one audited transaction; what the viewer may not know is left out."""
