"""The screens: thin routes that ask a door, and templates that draw what they are handed."""
