package rules

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Files lists the rule files of a folder, by name: those in it, and those in each of its folders that
// into agrees to (ledger 29). What is hidden is left out, because editors and mounted volumes keep
// copies there; links are followed, as folders mounted into containers need. The problems are folders
// that cannot be listed, and warnings of files that stand too deep to be read.
func Files(fsys fs.FS, into func(folder string) bool) (names []string, problems []Problem) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, []Problem{{Message: fmt.Sprintf("read the rules folder: %v", err)}}
	}
	for _, e := range entries {
		name := e.Name()
		if isHidden(name) {
			continue
		}
		info, err := fs.Stat(fsys, name)
		switch {
		case err != nil:
			problems = append(problems, Problem{Path: name, Message: fmt.Sprintf("read it: %v", err)})
		case info.IsDir() && into(name):
			found, more := filesOf(fsys, name)
			names, problems = append(names, found...), append(problems, more...)
		case !info.IsDir() && isRuleFile(name):
			names = append(names, name)
		}
	}
	return names, problems
}

// filesOf lists one account's folder.
func filesOf(fsys fs.FS, folder string) (names []string, problems []Problem) {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return nil, []Problem{{Path: folder, Message: fmt.Sprintf("read the folder: %v", err)}}
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		switch {
		case e.IsDir() && !isHidden(name):
			problems = append(problems, tooDeep(fsys, name)...)
		case isRuleFile(name):
			names = append(names, name)
		}
	}
	return names, problems
}

// tooDeep warns of every rule file below a folder that is not read. What cannot be listed there is
// passed over: it would not be read either.
func tooDeep(fsys fs.FS, folder string) (problems []Problem) {
	_ = fs.WalkDir(fsys, folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir() && isHidden(name):
			return fs.SkipDir
		case !d.IsDir() && isRuleFile(name):
			problems = append(problems, notRead(name, wrongPlace))
		}
		return nil
	})
	return problems
}

// What keeps a file from being read.
const (
	wrongPlace = "rule files stand in rules/ or rules/<account>/"
	wrongName  = "names of rule files end in .yaml or .yml, and do not begin with a dot"
)

func notRead(name, why string) Problem {
	return Problem{Path: name, Warning: true, Message: "is not read: " + why}
}

func isHidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

func isRuleFile(name string) bool {
	ext := path.Ext(name)
	return !isHidden(name) && (ext == ".yaml" || ext == ".yml")
}

// Fingerprint is a SHA-256 of all that Load would read of a folder: it stays the same while the folder
// does. What cannot be read is a part of it too, so that it changes when it can be. Of a file over the
// limit only the size and time count.
func Fingerprint(fsys fs.FS) (sum [sha256.Size]byte) {
	h := sha256.New()
	write := func(text string) { _, _ = fmt.Fprintf(h, "%d:%s", len(text), text) }
	names, problems := Files(fsys, func(string) bool { return true })
	slices.Sort(names)
	for _, name := range names {
		write(name)
		src, unread := readFile(fsys, name)
		write(string(src))
		if info, err := fs.Stat(fsys, name); unread != nil && err == nil {
			write(info.ModTime().String())
		}
		problems = append(problems, unread...)
	}
	for _, p := range problems {
		write(p.String())
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// readFile asks for the size first, so that a huge file is refused without being read.
func readFile(fsys fs.FS, name string) ([]byte, []Problem) {
	info, err := fs.Stat(fsys, name)
	if err == nil && info.Size() > maxFile {
		return nil, []Problem{{Path: name, Message: fmt.Sprintf("the file has %d bytes; %d is the limit", info.Size(), maxFile)}}
	}
	var src []byte
	if err == nil {
		src, err = fs.ReadFile(fsys, name)
	}
	if err != nil {
		return nil, []Problem{{Path: name, Message: fmt.Sprintf("read the file: %v", err)}}
	}
	return src, nil
}
