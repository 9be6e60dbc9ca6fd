package relay

import (
	"math/rand/v2"
	"testing"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// What it costs to tell 200 followers of commits: messages and bytes a commit, for bursts of several sizes between which
// everything is published. Each commit changes one table and four rows of it. What a follower does with a batch is measured
// as well.
func BenchmarkFanOut(b *testing.B) {
	const followers = 200
	for _, burst := range []int{1, 10, 100} {
		b.Run(map[int]string{1: "one at a time", 10: "bursts of 10", 100: "bursts of 100"}[burst], func(b *testing.B) {
			transport := new(memory)
			var inboxes []*inbox
			for range followers {
				s, _ := transport.Subscribe(b.Context())
				inboxes = append(inboxes, s.(*inbox))
			}
			p := &publisher{
				sink: discard{}, interest: new(changefeed.Interest), limit: 1 << 16,
				resign: func(error) {}, due: make(chan struct{}, 1),
			}
			p.Start("7712614451885415691/00000001/1795732991.766629/1795732987.105969", 1<<40, 1<<32)
			position, xid, commits, delivered := uint64(1<<40), uint64(1<<32), 0, 0
			for b.Loop() {
				for range burst {
					position, xid, commits = position+600, xid+1, commits+1
					tags := []freshness.Tag{freshness.TableTag(16400), rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64()}
					p.Changed([]uint32{16400}, freshness.Commit{Position: position, XID: xid, Tags: tags}, false)
				}
				p.Pass(position)
				for data, sent := p.next(false); data != nil; data, sent = p.next(false) {
					_ = transport.Publish(b.Context(), data)
					sent()
				}
				for _, inbox := range inboxes {
					for _, data := range inbox.queue {
						one, err := decode(data)
						if err != nil {
							b.Fatal(err)
						}
						delivered += len(one.messages)
					}
					inbox.queue = nil
				}
			}
			if delivered < commits*followers {
				b.Fatalf("%d messages were delivered of %d commits", delivered, commits)
			}
			b.ReportMetric(float64(transport.bytes)/float64(commits), "B/commit")
			b.ReportMetric(float64(transport.batches)/float64(commits), "batches/commit")
			b.ReportMetric(float64(transport.bytes)*followers/float64(commits)/1e3, "kB/commit/200followers")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(commits*followers), "ns/commit/follower")
		})
	}
}

// discard is a sink that keeps nothing.
type discard struct{}

func (discard) Start(string, uint64, uint64)  {}
func (discard) Commit(freshness.Commit, bool) {}
func (discard) Pass(uint64)                   {}
func (discard) Lose(error)                    {}
