"""Every word on a screen: one catalogue in Japanese and English, and sentences made from evidence.

No page, route or template carries text of its own; they ask for a key or hand over evidence.
"""

from services.gateway.words.catalogue import Language, Words, words_in
from services.gateway.words.reasons import Sentence, sentences

__all__ = ["Language", "Sentence", "Words", "sentences", "words_in"]
