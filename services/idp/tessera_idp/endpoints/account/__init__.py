"""The users' own pages: each begins with the guard and is shown in the layout."""
