package rules

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// machine runs a regular expression over a text and counts its own steps: it can be stopped, which the
// standard library's cannot. It answers only whether there is a place that fits. All ways that the
// expression may go are followed at once, so the steps of one character are at most those of the program.
type machine struct {
	prog     *syntax.Prog
	anchored bool       // only the text's beginning fits
	borders  bool       // it asks for borders of words, lines or the text
	first    *[256]bool // bytes that a place may begin with; nil: it may begin anywhere
}

func newMachine(prog *syntax.Prog) *machine {
	m := &machine{prog: prog, anchored: prog.StartCond()&syntax.EmptyBeginText != 0}
	m.borders = slices.ContainsFunc(prog.Inst, func(i syntax.Inst) bool { return i.Op == syntax.InstEmptyWidth })
	var begin run
	begin.reset(len(prog.Inst))
	if begin.follow(prog, uint32(prog.Start), ^syntax.EmptyOp(0)) {
		return m // what fits may be empty
	}
	m.first = &[256]bool{}
	for b := range m.first {
		m.first[b] = b >= utf8.RuneSelf
		for _, pc := range begin.waiting {
			m.first[b] = m.first[b] || prog.Inst[pc].MatchRune(rune(b))
		}
	}
	return m
}

// run is where the machine stands between two characters.
type run struct {
	seen    []bool   // instructions that were followed already
	trail   []uint32 // those of seen
	waiting []uint32 // instructions that wait for a character
	next    []uint32 // where to go on behind it
}

// reset makes room for a program of a size.
func (r *run) reset(size int) {
	if len(r.seen) < size {
		r.seen = make([]bool, size)
	}
	r.next = r.next[:0]
	r.clear()
}

func (r *run) clear() {
	for _, pc := range r.trail {
		r.seen[pc] = false
	}
	r.trail, r.waiting = r.trail[:0], r.waiting[:0]
}

// follow goes from an instruction to all that wait for a character, and reports whether the end is
// among them. holds says which borders of words, lines and texts are here.
func (r *run) follow(prog *syntax.Prog, pc uint32, holds syntax.EmptyOp) (matched bool) {
	for !r.seen[pc] {
		r.seen[pc] = true
		r.trail = append(r.trail, pc)
		inst := &prog.Inst[pc]
		switch inst.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			matched = r.follow(prog, inst.Arg, holds) || matched
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^holds != 0 {
				return matched
			}
		case syntax.InstCapture, syntax.InstNop:
		case syntax.InstFail:
			return matched
		default:
			r.waiting = append(r.waiting, pc)
			return matched
		}
		pc = inst.Out
	}
	return matched
}

// fits reports whether the text holds a place that fits, found within a number of steps; used is how
// many it took, more than allowed where it gave up. With all it goes on to where the longest such place
// ends: what it used is then what any other way of finding it takes at most.
func (m *machine) fits(text string, r *run, allowed int, all bool) (ok bool, used int) {
	r.reset(len(m.prog.Inst))
	last, at := rune(-1), 0
	for used <= allowed {
		if len(r.next) == 0 {
			if ok || m.anchored && at > 0 {
				return ok, used
			}
			skipped := m.skip(text[at:])
			if used += 1 + skipped/8; skipped > 0 {
				at += skipped
				last, _ = utf8.DecodeLastRuneInString(text[:at])
			}
		}
		now, size := rune(-1), 0
		if at < len(text) {
			now, size = utf8.DecodeRuneInString(text[at:])
		}
		var here syntax.EmptyOp
		if m.borders {
			here = syntax.EmptyOpContext(last, now)
			used += 2
		}
		ok = m.enter(r, !ok && (at == 0 || !m.anchored), here) || ok
		if size == 0 || ok && !all {
			return ok, used
		}
		used += 2 + len(r.trail) + len(r.waiting)
		for _, pc := range r.waiting {
			if inst := &m.prog.Inst[pc]; inst.MatchRune(now) {
				r.next = append(r.next, inst.Out)
			}
		}
		last, at = now, at+size
	}
	return ok, used
}

// enter follows everything that goes on here, and a new beginning if one may be here.
func (m *machine) enter(r *run, begin bool, holds syntax.EmptyOp) (matched bool) {
	r.clear()
	for _, pc := range r.next {
		matched = r.follow(m.prog, pc, holds) || matched
	}
	r.next = r.next[:0]
	if begin {
		matched = r.follow(m.prog, uint32(m.prog.Start), holds) || matched
	}
	return matched
}

// skip measures what comes before the next place that may be a beginning.
func (m *machine) skip(text string) int {
	if m.first == nil {
		return 0
	}
	for i := range len(text) {
		if m.first[text[i]] {
			return i
		}
	}
	return len(text)
}
