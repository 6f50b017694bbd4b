package sandbox

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzWalk: the walker takes exactly what encoding/json takes, except what nests absurdly deep.
func FuzzWalk(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e+3,true,false,null,"x\u00e1\"\\\/",{}],"b":{"c":[]}}`, ` [ ] `, `{}`, `"a`, `"a\`, `"\x"`, "\"\n\"",
		`[1,]`, `[,1]`, `{"a":1,}`, `{"a" 1}`, `{1:2}`, `01`, `1.`, `nul`, `truefalse`, `[1 2]`, `{} {}`, ``, "\x00", "1\x00", strings.Repeat("[", 300),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := walker{json: []byte(text)}
		_, err := w.skip()
		if err == nil {
			err = w.end()
		}
		if valid := json.Valid([]byte(text)); valid != (err == nil) && (!valid || strings.Count(text, "[")+strings.Count(text, "{") <= maxDepth) {
			t.Errorf("walker: %v, encoding/json: %v", err, valid)
		}
	})
}
