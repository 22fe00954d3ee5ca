//go:build unix

package doctor

import "golang.org/x/sys/unix"

// freeBytes is what an ordinary user may still write under a folder.
func freeBytes(folder string) (uint64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return 0, false
	}
	return st.Bavail * uint64(st.Bsize), true
}
