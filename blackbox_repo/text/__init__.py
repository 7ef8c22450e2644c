"""Text for people in any terminal: tables, progress, errors in one line, and nothing raw from outside."""
