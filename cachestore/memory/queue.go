package memory

// queue is a line of nodes, first in, first out. It is for the holder of the shard's lock.
type queue struct {
	head, tail *node
	bytes      int64 // the sizes of its nodes
}

func (q *queue) push(n *node) {
	if q.tail == nil {
		q.head = n
	} else {
		q.tail.next = n
	}
	q.tail = n
	q.bytes += int64(n.size)
}

// pop takes the node that has waited longest, or nil. The node forgets its neighbour: a reader that still holds it must
// not keep alive all that came after it.
func (q *queue) pop() *node {
	n := q.head
	if n == nil {
		return nil
	}
	q.head, n.next = n.next, nil
	if q.head == nil {
		q.tail = nil
	}
	q.bytes -= int64(n.size)
	return n
}
