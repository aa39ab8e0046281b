"""Pre-trained models, by which texts become vectors: of documents, and of columns of texts."""
