//go:build unix

package external

import (
	"os/exec"
	"syscall"
)

// group gives the program a process group, so that its children end with it and a
// Ctrl-C at the hub's terminal is the hub's to handle.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// kill ends the program and its children; it has not been waited for yet.
func kill(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Process.Kill()
}
