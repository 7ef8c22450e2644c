"""Real servers on localhost for the tests of remote roots, and a proxy that does them harm."""
