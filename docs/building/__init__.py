"""What the site has beside the pages: the API and the command's page from the program, links, the gallery's look."""
