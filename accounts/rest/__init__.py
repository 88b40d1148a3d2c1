"""What the REST API is made of, for every app: views, pages, tags, filters, and the schema they are described by."""
