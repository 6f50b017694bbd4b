package main

import (
	"runtime"
	"runtime/debug"
)

// version is set by the release build: -ldflags "-X main.version=v1.2.3".
var version = ""

type versionCmd struct {
	JSON bool `help:"Print as JSON." name:"json"`
}

// Help shows an example below the flags.
func (versionCmd) Help() string { return "Example:\n  clickthread version --json" }

// Run prints what was built, from what, with which Go.
func (c *versionCmd) Run(out *console) error {
	v, commit := version, "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	if v == "" || v == "(devel)" {
		v = "development"
	}
	if c.JSON {
		return out.json(map[string]string{"version": v, "commit": commit, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	out.printf("clickthread %s (commit %s, %s, %s/%s)\n", v, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
