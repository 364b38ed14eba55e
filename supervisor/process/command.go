package process

// Command says which process to start: pure data.
type Command struct {
	// Args is the command line. Args[0] is looked up in PATH when it holds no slash.
	Args []string
	// Env is the whole environment, "NAME=value".
	Env []string
	// Dir is the working directory, and in the boot message the folder of the app. Empty: the working directory of this
	// process, and the folder that the boot message names already.
	Dir string
	// PythonPath is, with Dir, what the boot message says.
	PythonPath []string
	// Identity is the user that the process runs as; nil: the user of this process.
	Identity *Identity
	// Limits confine the process.
	Limits Limits
	// Cgroup is the control group of the process; nil: that of this process.
	Cgroup *Cgroup
}
