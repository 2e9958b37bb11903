"""The only door for people: sign-in, access decision, audit, read model, screens, REST and wake-up signals."""
