select item.id, item.name, item.price_cents, stock.on_hand
from item join stock on stock.item_id = item.id
where item.id = ?
