"""What the pages draw, as plain data: Plotly figures as dicts and the service map's picture."""
