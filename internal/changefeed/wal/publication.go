package wal

import (
	"errors"
	"fmt"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

// errPublication is why a stream is begun anew whose publication was changed: what joined it may have changed unseen before.
var errPublication = errors.New("pgcache: the publication was changed")

// The publication questions ask whether the publication publishes all that is needed, or is there at all, and for something
// that changes with it. A server that reads a publication that has gone may say nothing.
var (
	publication14 = server.Question{Name: "publication", SQL: `
select p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate and not p.pubviaroot,
       (select p.xmin || '/' || count(*) || '/' || coalesce(sum(r.xmin::text::int8), 0)
          from pg_publication_rel r where r.prpubid = p.oid)
  from (select) as one left join pg_publication p on p.pubname = $1`}
	publication15 = server.Question{Name: "publication", SQL: `
select p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate and not p.pubviaroot,
       (select p.xmin || '/' || count(*) || '/' || coalesce(sum(r.xmin::text::int8), 0)
          from pg_publication_rel r where r.prpubid = p.oid)
       || (select '/' || count(*) || '/' || coalesce(sum(n.xmin::text::int8), 0)
          from pg_publication_namespace n where n.pnpubid = p.oid)
  from (select) as one left join pg_publication p on p.pubname = $1`}
)

// checkPublication finds out whether the publication is what it was when it was looked at first.
func (s *stream) checkPublication() error {
	name, asked := s.feed.config.Publication, publication14
	if s.version >= 150000 {
		asked = publication15
	}
	row, err := s.control.Ask(asked, name)
	if err != nil {
		return err
	}
	complete, stamp := row[0], row[1]
	switch {
	case complete == "":
		return &SetupError{
			Kind:   ErrPublication,
			Advice: fmt.Sprintf("there is no publication %q in this database: CALL pgcache.install() makes it", name),
		}
	case complete == "f":
		return &SetupError{
			Kind:   ErrPublication,
			Advice: fmt.Sprintf("publication %q must publish insert, update, delete and truncate, not via the partition root", name),
		}
	case s.stamp != "" && s.stamp != stamp:
		return errPublication
	}
	s.stamp = stamp
	return nil
}
