"""How films are divided into parts so that no patient, and no two copies of a film, sit in two of them; nothing here reads a film."""
