package capi

import (
	"encoding/json"
	"net/http"
	"testing"
)

func TestWhichEventMetaNames(t *testing.T) {
	for name, c := range map[string]struct {
		fields string // of the answer's error
		index  int
		ok     bool
	}{
		"a path in three steps":         {`"error_data":{"blame_field_specs":[["data","3","user_data","ctwa_clid"]]}`, 3, true},
		"a path with a number":          {`"error_data":{"blame_field_specs":[["data",0]]}`, 0, true},
		"a path in brackets":            {`"error_data":{"blame_field_specs":[["data[3]","user_data"]]}`, 3, true},
		"brackets all the way":          {`"error_data":{"blame_field_specs":[["data[3][user_data][ctwa_clid]"]]}`, 3, true},
		"two fields of one event":       {`"error_data":{"blame_field_specs":[["data","3","event_time"],["data","3","event_name"]]}`, 3, true},
		"a JSON text in a string":       {`"error_data":"{\"blame_field_specs\":[[\"data\",\"3\"]]}"`, 3, true},
		"the message":                   {`"message":"Invalid parameter: data[3][event_time] is wrong"`, 3, true},
		"the message, quoted":           {`"message":"(#100) 'data[3]' is wrong"`, 3, true},
		"the structure before the text": {`"message":"data[1]","error_data":{"blame_field_specs":[["data","3"]]}`, 3, true},
		"nothing":                       {`"message":"Invalid parameter"`, 0, false},
		"two events":                    {`"error_data":{"blame_field_specs":[["data","3"],["data","2"]]}`, 0, false},
		"two events in the message":     {`"message":"data[1] and data[2]"`, 0, false},
		"outside the batch":             {`"error_data":{"blame_field_specs":[["data","5"]]}`, 0, false},
		"far outside the batch":         {`"message":"data[9999]"`, 0, false},
		"a field that is no event":      {`"error_data":{"blame_field_specs":[["custom_data","value"]]}`, 0, false},
		"custom data in the message":    {`"message":"custom_data[3] is wrong"`, 0, false},
		"a negative index":              {`"error_data":{"blame_field_specs":[["data","-1"]]}`, 0, false},
		"no number":                     {`"error_data":{"blame_field_specs":[["data","three"]]}`, 0, false},
		"an empty path":                 {`"error_data":{"blame_field_specs":[[]]}`, 0, false},
		"another shape":                 {`"error_data":{"blame_field_specs":"data[3]"}`, 0, false},
		"texts for users":               {`"error_user_msg":"data[3] is wrong","error_user_title":"event 3"`, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			client := meta(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"error":{"code":100,` + c.fields + `}}`))
			})
			_, e := send(t, client, `{}`, `{}`, `{}`, `{}`, `{}`)
			if e == nil {
				t.Fatal("a receipt")
			}
			if index, ok := e.Event(); index != c.index || ok != c.ok {
				t.Errorf("event %d, %t; want %d, %t", index, ok, c.index, c.ok)
			}
		})
	}
}

// FuzzEvent: whatever Meta names, it is an event that was sent or none.
func FuzzEvent(f *testing.F) {
	f.Add("data[3]", []byte(`{"blame_field_specs":[["data","3"]]}`), 5)
	f.Add("", []byte(`"{\"blame_field_specs\":[[\"data[0]\",1e9]]}"`), 1)
	f.Fuzz(func(t *testing.T, message string, data []byte, events int) {
		e := &Error{Message: message, Data: json.RawMessage(data), Events: events}
		if index, ok := e.Event(); index < 0 || ok && index >= events || !ok && index != 0 {
			t.Errorf("event %d, %t of %d", index, ok, events)
		}
	})
}
