"""Ed-Fi interchange files (Data Standard 5.2, XML) as records."""
