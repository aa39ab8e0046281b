"""Documents that are signed: proposal, charter, risk register and decision log."""
