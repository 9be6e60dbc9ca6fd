package relay

import "encoding/binary"

// request is what a follower asks of whoever leads: to heed columns, and to say when it has passed a position. The position
// zero asks for a batch that can be begun with. What is lost is asked again.
type request struct {
	server   uint64
	position uint64
	columns  []column
}

// column is one whose values matter to somebody.
type column struct {
	table uint32
	name  string
}

// maxColumns bounds those that one request names, and maxColumnName the length of a name: PostgreSQL's are shorter.
const (
	maxColumns    = 64
	maxColumnName = 256
)

func (q *request) encode() []byte {
	b := []byte{magicRequest, version}
	b = binary.BigEndian.AppendUint64(b, q.server)
	b = binary.AppendUvarint(b, q.position)
	b = binary.AppendUvarint(b, uint64(len(q.columns)))
	for _, c := range q.columns {
		b = appendText(binary.AppendUvarint(b, uint64(c.table)), c.name)
	}
	return b
}

func decodeRequest(data []byte) (request, error) {
	r := &reader{rest: data}
	if err := r.open(magicRequest); err != nil {
		return request{}, err
	}
	q := request{server: r.fixed(), position: r.uvarint()}
	n := r.count(2)
	if n > maxColumns || q.position > maxPosition {
		return request{}, errMalformed
	}
	for range n {
		c := column{table: r.oid(), name: r.text()}
		if len(c.name) > maxColumnName {
			return request{}, errMalformed
		}
		q.columns = append(q.columns, c)
	}
	if r.bad || len(r.rest) > 0 {
		return request{}, errMalformed
	}
	return q, nil
}
