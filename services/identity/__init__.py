"""Who is it? Turns source records into facts by linkage ID; names end here."""
