"""Language models behind one contract, each asked over HTTP."""
