"""The search language behind `q`: text to a tree, a tree to SQL whose values are all bound."""
