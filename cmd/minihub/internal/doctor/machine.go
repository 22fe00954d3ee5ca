package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Free disk below lowDisk is a warning; below stopDisk the store takes nothing in.
const (
	lowDisk  = 2 << 30
	stopDisk = 256 << 20
)

// Space looks at the disk under a folder.
func Space(folder string) Finding {
	free, known := freeBytes(existing(folder))
	return space(free, known)
}

// Free is how many bytes of the disk under a folder may still be written, where that is known.
func Free(folder string) (uint64, bool) { return freeBytes(existing(folder)) }

func space(free uint64, known bool) Finding {
	switch {
	case !known:
		return find(Disk, "", Skipped, "unknown")
	case free < stopDisk:
		return find(Disk, "", Fail, "full", bytes(free), bytes(stopDisk))
	case free < lowDisk:
		return find(Disk, "", Warn, "low", bytes(free), bytes(stopDisk))
	}
	return find(Disk, "", Fine, "fine", bytes(free))
}

// existing is the nearest folder above that is there: a store's may not be made yet.
func existing(folder string) string {
	for {
		if _, err := os.Stat(folder); err == nil || filepath.Dir(folder) == folder {
			return folder
		}
		folder = filepath.Dir(folder)
	}
}

func bytes(n uint64) string {
	if n >= 10<<30 {
		return fmt.Sprintf("%d GiB", n>>30)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// A write that takes longer than slowSync to be on disk holds every message up; beyond
// badSync the disk is none for a store.
const (
	slowSync = 20 * time.Millisecond
	badSync  = 200 * time.Millisecond
)

// Sync measures how long a small write takes to be on the disk under a folder.
func Sync(folder string) Finding {
	const tries = 7
	f, err := os.CreateTemp(existing(folder), ".minihub-doctor-*")
	if err != nil {
		return find(Store, "", Fail, "unwritable", reason(err))
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	took := make([]time.Duration, tries)
	for i := range took {
		began := time.Now()
		if _, err = f.Write(make([]byte, 4096)); err == nil {
			err = f.Sync()
		}
		if err != nil {
			return find(Store, "", Fail, "unwritable", reason(err))
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return synced(took[tries/2])
}

func synced(took time.Duration) Finding {
	said := took.Round(10 * time.Microsecond).String()
	switch {
	case took > badSync:
		return find(Store, "", Fail, "sync_bad", said)
	case took > slowSync:
		return find(Store, "", Warn, "sync_slow", said)
	}
	return find(Store, "", Fine, "sync", said)
}

// reason is an error without the path, which may be a temporary file's.
func reason(err error) string {
	if i := strings.LastIndex(err.Error(), ": "); i >= 0 {
		return err.Error()[i+2:]
	}
	return err.Error()
}

// Opened says how an open store does.
func Opened(st ledger.Stats, err error) Finding {
	if err != nil {
		return find(Store, "", Fail, "broken", err.Error())
	}
	return find(Store, "", Fine, "open", st.Engine, fmt.Sprint(st.Schema), bytes(uint64(st.Bytes)))
}

// Unopened is a store that does not open.
func Unopened(err error) Finding { return find(Store, "", Fail, "unopened", err.Error()) }

// The hub's clock against those of the vendors: beyond wrongClock signatures are refused.
const (
	offClock   = 5 * time.Second
	wrongClock = 30 * time.Second
)

// Times compares the clock with those of hosts: how far each is ahead of ours.
func Times(ahead map[string]time.Duration) Finding {
	if len(ahead) == 0 {
		return find(Clock, "", Skipped, "unknown")
	}
	var all []time.Duration
	for _, d := range ahead {
		all = append(all, d)
	}
	slices.Sort(all)
	d := all[len(all)/2]
	said := d.Abs().Round(time.Second).String()
	way := "behind"
	if d < 0 {
		way = "ahead"
	}
	switch {
	case d.Abs() > wrongClock:
		return find(Clock, "", Fail, "wrong_"+way, said, fmt.Sprint(len(all)))
	case d.Abs() > offClock:
		return find(Clock, "", Warn, "off_"+way, said, fmt.Sprint(len(all)))
	}
	return find(Clock, "", Fine, "fine", fmt.Sprint(len(all)))
}

// Offline says that nothing beyond this machine was looked at.
func Offline() []Finding {
	return []Finding{find(Clock, "", Skipped, "offline"), find(Credentials, "", Skipped, "offline"), find(Reach, "", Skipped, "offline")}
}
