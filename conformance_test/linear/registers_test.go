package linear_test

import (
	"context"
	"database/sql"
	"fmt"
)

// The registers. A cell is a row, with parts below it that a trigger gives the same version and that a foreign key takes
// along. The board is a table that is emptied and filled again as a whole; its rows are one register each. Then
// there is a view over a table that nobody writes: its definition holds the version.
const (
	cells      = 24
	perGroup   = 4 // cells of one group are next to each other
	parts      = 3 // of each cell
	boardFirst = 1000
	boardRows  = 4
	anew       = 2000
)

const schema = `
create table cell (id int primary key, grp int not null, version bigint not null);
create table part (cell int references cell on update cascade on delete cascade, n int, version bigint not null, primary key (cell, n));
create table board (id int primary key, version bigint not null);
create view cells as select id, version, grp from cell;
create function spread() returns trigger language plpgsql as $$
begin
	if tg_op = 'INSERT' then
		insert into part select new.id, n, new.version from generate_series(1, 3) n;
	else
		update part set version = new.version where cell = new.id;
	end if;
	return null;
end $$;
create trigger spread after insert or update on cell for each row execute function spread();
insert into cell select id, (id - 1) / 4, 0 from generate_series(1, 24) id;
insert into board select 999 + n, 0 from generate_series(1, 4) n;
create table still (n int primary key);
insert into still values (1);
create view anew as select 2000 as id, 0::bigint as version from still;`

// lookup is a way to read registers: its rows give a register, and the lowest and the highest of the versions of its parts.
type lookup struct {
	name, query string
	weight      int
	// of gives the argument, and the registers that the rows must be of, for the register at hand.
	of func(register int32) (arg, first, count int32)
	// rows is how many there are for each.
	rows int
}

func itself(register int32) (arg, first, count int32) { return register, register, 1 }

func group(register int32) (arg, first, count int32) {
	g := (register - 1) / perGroup
	return g, g*perGroup + 1, perGroup
}

func definition(int32) (arg, first, count int32) { return 0, anew, 1 }

func board(int32) (arg, first, count int32) { return 0, boardFirst, boardRows }

var lookups = []lookup{
	{"key", "select id, version, version from cell where id = $1", 88, itself, 1},
	{"view", "select id, version, version from cells where id = $1", 2, itself, 1},
	{"join", "select c.id, c.version, p.version from cell c join part p on p.cell = c.id where c.id = $1", 3, itself, parts},
	{"aggregate", "select cell, min(version), max(version) from part where cell = $1 group by cell having count(*) = 3", 3, itself, 1},
	{"group", "select id, version, version from cell where grp = $1", 3, group, 1},
	{"board", "select id, version, version from board where id <> $1", 1, board, 1},
	{"definition", "select id, version, version from anew where id <> $1", 1, definition, 1},
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// look reads registers in a way, and gives what it saw of each.
func look(ctx context.Context, db queryer, l int, register int32, into []read) ([]read, error) {
	way := &lookups[l]
	arg, first, count := way.of(register)
	begin := now()
	rows, err := db.QueryContext(ctx, way.query, arg)
	if err != nil {
		return into, err
	}
	defer rows.Close()
	n := len(into)
	for i := range count {
		into = append(into, read{Register: first + i, Lookup: int32(l), Version: absent, Begin: begin})
	}
	seen := into[n:]
	for rows.Next() {
		var id int32
		var low, high int64
		if err := rows.Scan(&id, &low, &high); err != nil {
			return into[:n], err
		}
		if id < first || id >= first+count {
			return into[:n], fmt.Errorf("lookup %s of %d gave a row of %d", way.name, register, id)
		}
		r := &seen[id-first]
		switch {
		case low != high || r.Version != absent && r.Version != low:
			r.Version = torn
		default:
			r.Version = low
		}
	}
	if err := rows.Err(); err != nil {
		return into[:n], err
	}
	end := now()
	for i := range seen {
		seen[i].End = end
	}
	return into, nil
}
