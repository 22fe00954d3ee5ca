//go:build !unix

package external

import "os/exec"

func group(*exec.Cmd) {}

// kill ends the program; its children end when their input does.
func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
