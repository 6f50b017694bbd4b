package sandbox

import "strconv"

// event is what has to be right in an event. Its texts point into the request's body.
type event struct {
	json []byte // all of it

	name, source, channel []byte
	clickID               []byte
	time                  int64  // unix seconds
	timed, owned          bool   // it has a time, and says whose customer this is
	valued, priced        bool   // it has a value and a currency
	extra                 []byte // the first key of user_data that some datasets refuse
	strange               []byte // the first key of user_data that messaging events may not have
	misfit                string // what has the wrong type; "" for nothing
}

// readEvent reads one event; it fails only if that is not JSON.
func readEvent(in *walker) (event, error) {
	var e event
	var err error
	kind := in.kind()
	start := in.at
	if kind == '{' {
		err = in.object(func(key []byte) error { return e.readMember(in, key) })
	} else {
		err = e.leave(in, "the event is not an object")
	}
	e.json = in.json[start:in.at]
	return e, err
}

func (e *event) readMember(in *walker, key []byte) (err error) {
	switch string(key) {
	case "event_name":
		e.name, err = in.text(&e.misfit, key)
	case "action_source":
		e.source, err = in.text(&e.misfit, key)
	case "messaging_channel":
		e.channel, err = in.text(&e.misfit, key)
	case "event_time":
		err = e.readTime(in)
	case "user_data":
		if in.kind() != '{' {
			return e.leave(in, "user_data is not an object")
		}
		return in.object(func(key []byte) error { return e.readPerson(in, key) })
	case "custom_data":
		if in.kind() != '{' {
			return e.leave(in, "custom_data is not an object")
		}
		return in.object(func(key []byte) error { return e.readSale(in, key) })
	default:
		_, err = in.skip()
	}
	return err
}

// readPerson reads one member of user_data. The keys of web events, like client_ip_address, are strange
// to messaging.
func (e *event) readPerson(in *walker, key []byte) error {
	value, err := in.skip()
	switch string(key) {
	case "whatsapp_business_account_id", "page_id":
		e.owned = e.owned || string(value) != "null" && string(value) != `""`
	case "ctwa_clid":
		e.clickID = nil
		if len(value) > 0 && value[0] == '"' {
			e.clickID, err = (&walker{json: value}).str()
		}
	case "em", "ph", "external_id", "fn", "ln":
		if e.extra == nil {
			e.extra = key
		}
	default:
		if e.strange == nil {
			e.strange = key
		}
	}
	return err
}

// readSale reads one member of custom_data.
func (e *event) readSale(in *walker, key []byte) (err error) {
	switch string(key) {
	case "value":
		kind := in.kind()
		e.valued = kind == '-' || kind >= '0' && kind <= '9'
		if !e.valued {
			return e.leave(in, "custom_data.value is not a number")
		}
		_, err = in.skip()
	case "currency":
		var currency []byte
		currency, err = in.text(&e.misfit, key)
		e.priced = len(currency) > 0
	default:
		_, err = in.skip()
	}
	return err
}

// readTime reads event_time, whole seconds.
func (e *event) readTime(in *walker) error {
	value, err := in.skip()
	if err != nil || string(value) == "null" {
		return err
	}
	e.time, err = strconv.ParseInt(string(value), 10, 64)
	if e.timed = err == nil; !e.timed {
		e.misfit = "event_time is not a number of whole seconds"
	}
	return nil
}

// leave skips a value of the wrong type and says so; null stands for nothing and fits anywhere.
func (e *event) leave(in *walker, misfit string) error {
	if in.kind() != 'n' {
		e.misfit = misfit
	}
	_, err := in.skip()
	return err
}
