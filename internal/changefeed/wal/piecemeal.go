package wal

// maxParts is how many parts of a running transaction are kept apart.
const maxParts = 64

// piecemeal is a transaction that comes in pieces while it runs. Its subtransactions are kept apart, since each may be
// rolled back. What is past the bounds is gathered in one part that only ends with the whole: then something counts as
// changed that was not, which is a miss and no more.
type piecemeal struct {
	xid       uint32
	parts     map[uint32]*changes
	relations map[uint32]*relation
}

func newPiecemeal(xid uint32) *piecemeal {
	return &piecemeal{
		xid: xid, relations: make(map[uint32]*relation),
		parts: map[uint32]*changes{xid: newChanges()},
	}
}

// part is where the changes of a subtransaction are gathered.
func (p *piecemeal) part(xid uint32) *changes {
	if c := p.parts[xid]; c != nil {
		return c
	}
	if len(p.parts) == maxParts {
		return p.parts[p.xid]
	}
	c := newChanges()
	p.parts[xid] = c
	return c
}

// together is what all parts changed.
func (p *piecemeal) together() *changes {
	all := p.parts[p.xid]
	for xid, part := range p.parts {
		if xid != p.xid {
			all.merge(part)
		}
	}
	return all
}
