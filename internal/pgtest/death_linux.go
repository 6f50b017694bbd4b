package pgtest

import "syscall"

// dieWithUs has the kernel stop the server (immediately, SIGQUIT) when this process dies, however it
// dies.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }
