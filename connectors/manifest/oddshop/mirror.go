package oddshop

import (
	"errors"
	"fmt"
	"strings"
)

// Mirror runs the statements that keep the shop's own SQL tables (MySQL or MariaDB), all of them
// in one session: an act is a transaction, from START TRANSACTION to COMMIT. It is called under
// the shop's lock, one statement at a time, and must not call back.
type Mirror interface {
	Exec(query string, args ...any) error
}

// Schema is the DDL of the shop's tables, one statement each, with what such shops have: no
// modified time anywhere, DATETIME without a zone (the server stands at +08:00), epoch 0 for never,
// yuan as DECIMAL(10,2), nicknames as UTF-8 bytes in a latin1 column, and receivers' names padded
// with NUL. Prefix is put before every table name.
func Schema(prefix string) []string {
	return []string{
		fmt.Sprintf("CREATE TABLE `%sorder` ("+
			"`order_id` BIGINT UNSIGNED NOT NULL PRIMARY KEY, `order_sn` VARCHAR(32) NOT NULL UNIQUE, `state` TINYINT UNSIGNED NOT NULL, "+
			"`add_time` DATETIME NOT NULL, `pay_time` INT UNSIGNED NOT NULL DEFAULT 0, `ship_time` INT UNSIGNED NOT NULL DEFAULT 0, "+
			"`uid` INT UNSIGNED NOT NULL, `consignee` VARCHAR(64) NOT NULL, `tel` VARCHAR(20) NOT NULL, "+
			"`province` SMALLINT UNSIGNED NOT NULL, `city` SMALLINT UNSIGNED NOT NULL, `district` SMALLINT UNSIGNED NOT NULL, "+
			"`address` VARCHAR(255) NOT NULL, `goods_amount` DECIMAL(10,2) NOT NULL, `freight` DECIMAL(10,2) NOT NULL, "+
			"`amount` DECIMAL(10,2) NOT NULL, `buyer_msg` VARCHAR(255) NOT NULL, `waybill` VARCHAR(32) NOT NULL, "+
			"KEY `state` (`state`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4", prefix),
		fmt.Sprintf("CREATE TABLE `%sorder_goods` ("+
			"`rec_id` INT UNSIGNED NOT NULL PRIMARY KEY, `order_id` BIGINT UNSIGNED NOT NULL, `goods_sn` VARCHAR(60) NOT NULL, "+
			"`title` VARCHAR(120) NOT NULL, `price` DECIMAL(10,2) NOT NULL, `num` SMALLINT UNSIGNED NOT NULL, "+
			"KEY `order_id` (`order_id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4", prefix),
		fmt.Sprintf("CREATE TABLE `%smember` ("+
			"`uid` INT UNSIGNED NOT NULL PRIMARY KEY, `nick` VARCHAR(120) NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=latin1", prefix),
		fmt.Sprintf("CREATE TABLE `%sregion` ("+
			"`region_id` SMALLINT UNSIGNED NOT NULL PRIMARY KEY, `parent_id` SMALLINT UNSIGNED NOT NULL, "+
			"`region_name` VARCHAR(120) NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4", prefix),
	}
}

// SetMirror makes the tables and fills them with what the shop holds; from then on every
// act is written to them before Do returns.
func (s *Sim) SetMirror(m Mirror, prefix string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := tables{m, prefix}
	for _, q := range Schema(prefix) {
		if err := m.Exec(q); err != nil {
			return fmt.Errorf("making the tables: %w", err)
		}
	}
	for _, r := range Regions() {
		if err := t.exec("INSERT INTO `?region` VALUES (?, ?, ?)", r.ID, r.Parent, r.Name); err != nil {
			return fmt.Errorf("filling the regions: %w", err)
		}
	}
	for _, o := range s.orders {
		if err := t.insert(o); err != nil {
			return fmt.Errorf("copying order %d: %w", o.ID, err)
		}
	}
	s.mirror, s.prefix = m, prefix
	return nil
}

// reflect writes one act to the tables, whole or not at all.
func (s *Sim) reflect(do string, o *Order) error {
	t := tables{s.mirror, s.prefix}
	if err := t.exec("START TRANSACTION"); err != nil {
		return err
	}
	if err := t.act(do, o); err != nil {
		return errors.Join(err, t.exec("ROLLBACK"))
	}
	return t.exec("COMMIT")
}

func (t tables) act(do string, o *Order) error {
	switch do {
	case Sell:
		return t.insert(o)
	case Delete:
		if err := t.exec("DELETE FROM `?order_goods` WHERE `order_id` = ?", o.ID); err != nil {
			return err
		}
		return t.exec("DELETE FROM `?order` WHERE `order_id` = ?", o.ID)
	case EditPrice:
		for _, l := range o.Lines {
			if err := t.exec("UPDATE `?order_goods` SET `price` = ? WHERE `rec_id` = ?", yuanText(l.Price), l.ID); err != nil {
				return err
			}
		}
	}
	return t.exec("UPDATE `?order` SET `order_sn` = ?, `state` = ?, `pay_time` = ?, `ship_time` = ?, `goods_amount` = ?, `amount` = ?, `waybill` = ? WHERE `order_id` = ?",
		o.Number, int(o.State), epoch(o.PaidAt), epoch(o.ShippedAt), yuanText(o.goods()), yuanText(o.Total), o.Waybill, o.ID)
}

// tables writes rows; "`?" in a statement is the prefix.
type tables struct {
	m      Mirror
	prefix string
}

func (t tables) exec(query string, args ...any) error {
	return t.m.Exec(strings.ReplaceAll(query, "`?", "`"+t.prefix), args...)
}

func (t tables) insert(o *Order) error {
	// UNHEX gives bytes, which a latin1 column takes as they are: the shop writes UTF-8 over a
	// connection that says latin1.
	if err := t.exec("REPLACE INTO `?member` VALUES (?, UNHEX(?))", o.Buyer.ID, fmt.Sprintf("%X", o.Buyer.Nick)); err != nil {
		return err
	}
	for _, l := range o.Lines {
		if err := t.exec("INSERT INTO `?order_goods` VALUES (?, ?, ?, ?, ?, ?)", l.ID, o.ID, l.SKU, pad(l.Title, titleWidth), yuanText(l.Price), l.Qty); err != nil {
			return err
		}
	}
	return t.exec("INSERT INTO `?order` VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		o.ID, o.Number, int(o.State), o.PlacedAt.In(Zone).Format(clockText), epoch(o.PaidAt), epoch(o.ShippedAt),
		o.Buyer.ID, pad(o.Receiver.Name, nameWidth), o.Receiver.Phone, o.Receiver.Province, o.Receiver.City, o.Receiver.District,
		o.Receiver.Address, yuanText(o.goods()), yuanText(o.Freight), yuanText(o.Total), o.Note, o.Waybill)
}
