package manifest

// The manifest as it is written. The tags are the source of the JSON Schema and of the
// reference: `about` describes a field, `need` makes it required, `one` lists its values.

type spec struct {
	Kind       string               `yaml:"kind" one:"http" about:"What the file describes; a hub's directory asks for it, since its connectors/ holds other kinds too."`
	Name       string               `yaml:"name" need:"yes" about:"Name of the connector as connection files write it; the same as the file's, without .yaml."`
	Title      string               `yaml:"title" need:"yes" about:"Name as people know it."`
	Role       string               `yaml:"role" need:"yes" one:"store,oms,wms,erp,crm,logistics,any" about:"What the system is to a brand."`
	Text       string               `yaml:"text" need:"yes" about:"One paragraph for connectors describe."`
	Docs       string               `yaml:"docs" need:"yes" about:"Where the vendor documents the interface."`
	Config     named[configField]   `yaml:"config" about:"Settings of a connection. Expressions read them as config.NAME; those of kind secret as secret.NAME, only inside request, auth, sign, headers and callback signatures."`
	Limits     named[limitSpec]     `yaml:"limits" about:"The vendor's limits by name, shared by all connections of one account; the hub keeps them."`
	Request    requestSpec          `yaml:"request" need:"yes" about:"What all requests have in common."`
	Auth       *authSpec            `yaml:"auth" about:"How requests prove who sends them; left out: not at all."`
	Sign       *signSpec            `yaml:"sign" about:"The signature of each request."`
	Errors     errorsSpec           `yaml:"errors" about:"How an answer tells success from failure, and what each failure means."`
	Ping       *callSpec            `yaml:"ping" about:"A cheap call that proves the account works, for check --online and the health page."`
	Streams    named[streamSpec]    `yaml:"streams" about:"What can be read or received, by name."`
	Operations named[operationSpec] `yaml:"operations" about:"What can be written, by name, as in order.push."`
	Callbacks  named[callbackSpec]  `yaml:"callbacks" about:"Requests that the vendor sends to the hub, by name; the first whose when holds takes the request."`
}

type configField struct {
	Kind     string   `yaml:"kind" one:"string,secret,url,int,bool,duration,map" about:"Type of the value; string when left out. A secret is given by reference only."`
	Required bool     `yaml:"required" about:"A connection without it is refused."`
	Default  string   `yaml:"default" about:"Value when the connection gives none."`
	Enum     []string `yaml:"enum" about:"The values it may have."`
	Text     string   `yaml:"text" need:"yes" about:"What it is, for people."`
	Example  string   `yaml:"example" about:"A value as it may look."`
}

type limitSpec struct {
	Requests   int      `yaml:"requests" about:"At most so many requests within any span of per."`
	Per        duration `yaml:"per" about:"The span that requests are counted in."`
	Concurrent int      `yaml:"concurrent" about:"At most so many requests at once."`
	Text       string   `yaml:"text" about:"Where the limit is written, or what the vendor answers beyond it."`
}

type requestSpec struct {
	URL      tmpl       `yaml:"url" need:"yes" about:"Base of every path."`
	Format   string     `yaml:"format" one:"json,form,xml,graphql,text" about:"Form of bodies that are sent; json when left out."`
	Charset  string     `yaml:"charset" one:"utf-8,gbk,gb18030" about:"Characters of bodies both ways; utf-8 when left out."`
	XMLRoot  string     `yaml:"xml_root" about:"Name of the outermost element of XML bodies; request when left out."`
	Headers  pairs      `yaml:"headers" about:"Headers of every request."`
	Query    pairs      `yaml:"query" about:"Query parameters of every request."`
	Envelope tree       `yaml:"envelope" about:"Body of every request around the call's own body, which is payload here: {biz: '{{ json(payload) }}'}."`
	Timeout  duration   `yaml:"timeout" about:"Of one call; 30s when left out."`
	Answer   answerSpec `yaml:"answer" about:"How answers are read."`
}

type answerSpec struct {
	Format   string `yaml:"format" one:"json,xml,text" about:"json when left out. XML becomes objects of elements, @name for attributes; an element that comes more than once becomes a list. text gives a text."`
	Trailing string `yaml:"trailing" one:"error,first,last" about:"When more than one JSON document stands in an answer: an error (when left out), or take the first or the last of them."`
	Clean    string `yaml:"clean" one:"nul" about:"nul: NUL bytes and \\u0000 are taken out before an answer is read; documents are then stored without them."`
}

type callSpec struct {
	Get      tmpl       `yaml:"get" about:"Path of a GET request, below the base URL. One of get, post, put, patch, delete."`
	Post     tmpl       `yaml:"post" about:"Path of a POST request."`
	Put      tmpl       `yaml:"put" about:"Path of a PUT request."`
	Patch    tmpl       `yaml:"patch" about:"Path of a PATCH request."`
	Delete   tmpl       `yaml:"delete" about:"Path of a DELETE request."`
	Query    pairs      `yaml:"query" about:"Query parameters; one that comes out as nothing (nil) is left out."`
	Headers  pairs      `yaml:"headers" about:"Headers of this request; they may read secrets."`
	Body     tree       `yaml:"body" about:"The body, with expressions in its texts. A text that is a single {{ expression }} keeps the value's type. A member that comes out as nil is left out."`
	GraphQL  string     `yaml:"graphql" about:"A GraphQL document; body then holds its variables."`
	Format   string     `yaml:"format" one:"json,form,xml,graphql,text" about:"In place of the request's."`
	XMLRoot  string     `yaml:"xml_root" about:"In place of the request's."`
	Envelope *bool      `yaml:"envelope" about:"false: without the common envelope."`
	Auth     *bool      `yaml:"auth" about:"false: without what auth adds."`
	Sign     *bool      `yaml:"sign" about:"false: without a signature. Calls of auth are signed only when this says true."`
	Answer   answerSpec `yaml:"answer" about:"In place of the request's."`
	OK       expression `yaml:"ok" about:"In place of errors.ok."`
	Errors   []ruleSpec `yaml:"errors" about:"Rules that go before the common ones."`
}

type listSpec struct {
	callSpec
	Rows   expression  `yaml:"rows" need:"yes" about:"The list of rows in the answer: body.data.list. Rows keep their exact bytes."`
	Paging *pagingSpec `yaml:"paging" about:"How to get at the following pages; left out: there is one."`
}

type pagingSpec struct {
	Kind      string     `yaml:"kind" need:"yes" one:"page,offset,cursor,link,until_empty,pool" about:"page: a number, cursor.page; offset: rows to skip, cursor.offset; cursor: what the last answer gave, cursor.next; link: the answer gives the next address; until_empty: pages until an empty one; pool: rows come again until they are acknowledged."`
	Size      int        `yaml:"size" about:"Rows to ask for: cursor.size."`
	First     *int       `yaml:"first" about:"Number of the first page; 1 when left out."`
	More      expression `yaml:"more" about:"Whether another page follows. Left out: a page with fewer rows than size is the last; without size, an empty one."`
	Next      expression `yaml:"next" about:"For cursor and link: where to go on; nothing or an empty text ends the list."`
	Pages     expression `yaml:"pages" about:"How many pages there are, for backwards."`
	Backwards bool       `yaml:"backwards" about:"Read the last page first: rows that leave the list then move none past the reader. Needs kind page and pages."`
	Shifts    bool       `yaml:"shifts" about:"The list is sorted newest first, or otherwise moves while it is read: pages overlap by a row, and when that row is not found the list is read again from the top. For page and offset; the request must use cursor.size."`
}

type streamSpec struct {
	Entity     string         `yaml:"entity" need:"yes" about:"Canonical entity of the documents: order, member, after_sale, ..."`
	Text       string         `yaml:"text" about:"What it is, for people."`
	Schema     string         `yaml:"schema" about:"Vendor schema of one document."`
	List       *listSpec      `yaml:"list" about:"How it is pulled; left out for streams that are only pushed."`
	Key        expression     `yaml:"key" need:"yes" about:"The vendor's immutable id of a row. Not the order number when an operator can change that."`
	Each       expression     `yaml:"each" about:"For rows that stand for several documents: a list; each of its values is one, as part in key, root, version, deleted and final."`
	Root       expression     `yaml:"root" about:"Key of the order that the row belongs to; the row's own key when left out."`
	RootEntity string         `yaml:"root_entity" about:"Entity of the root when it is another one."`
	Also       string         `yaml:"also" about:"A stream whose document with the root's key is fetched as well."`
	Version    *versionSpec   `yaml:"version" about:"What rises with every change of a row; left out: nothing does, and the hub goes by the bytes."`
	Skip       expression     `yaml:"skip" about:"Rows that are not documents of this stream."`
	Deleted    expression     `yaml:"deleted" about:"Rows that say that the document is gone."`
	Hints      bool           `yaml:"hints" about:"Rows of the list are only keys; fetch reads the documents."`
	Window     *windowSpec    `yaml:"window" about:"The list takes a span of time: window.from and window.to."`
	Fetch      *fetchSpec     `yaml:"fetch" about:"How documents are read by key."`
	Rescan     *rescanSpec    `yaml:"rescan" about:"For rows that change without a modified time."`
	WhenEmpty  *whenEmptySpec `yaml:"when_empty" about:"For vendors that answer a bad token or filter with an empty list: what proves that nothing is really nothing."`
	Ack        *ackSpec       `yaml:"ack" about:"For pools: the call that takes rows out once they are stored."`
	Uses       usesSpec       `yaml:"uses" about:"Which limits the calls take."`
	Reconcile  *reconcileSpec `yaml:"reconcile" about:"How both sides are compared at night; left out: unlisted says why not."`
	Unlisted   string         `yaml:"unlisted" about:"Why the stream cannot be reconciled."`
}

type versionSpec struct {
	Time   expression `yaml:"time" about:"A time that moves with every change; either this or number."`
	Format string     `yaml:"format" about:"unix, millis, datetime, date, rfc3339, compact, slashes, or % codes."`
	Zone   string     `yaml:"zone" about:"IANA name of the zone of texts without one."`
	Number expression `yaml:"number" about:"A number that rises with every change."`
}

type windowSpec struct {
	By      string   `yaml:"by" need:"yes" about:"The field that the list selects by: modified, created."`
	Span    duration `yaml:"span" need:"yes" about:"The widest span that the vendor takes."`
	Grain   duration `yaml:"grain" about:"The vendor's time resolution; 1s when left out."`
	Overlap duration `yaml:"overlap" about:"How much of the last window is read again."`
	Delay   duration `yaml:"delay" about:"How far the end stays behind now, for rows that appear late."`
	Format  string   `yaml:"format" about:"window.from and window.to in this format; left out: times for time_text and unix."`
	Zone    string   `yaml:"zone" about:"Zone of the format."`
	End     string   `yaml:"end" one:"open,closed" about:"closed: the vendor counts its end in, so window.to is one grain earlier; open when left out."`
}

type fetchSpec struct {
	callSpec
	Rows   expression  `yaml:"rows" need:"yes" about:"The documents in the answer: a list, or one object."`
	Key    expression  `yaml:"key" about:"Key of a document where the stream's key does not fit."`
	Batch  int         `yaml:"batch" about:"Keys in one call, as keys; 1 when left out, as key."`
	NotYet bool        `yaml:"not_yet" about:"A key that is not there may only not be there yet: its tombstone is older than every document."`
	Root   expression  `yaml:"root" about:"Root of a key that is not there, from key; the key itself when left out."`
	Absent expression  `yaml:"absent" about:"With one key a call: an answer that means there is no such document. An error of kind not_found means it, too."`
	Paging *pagingSpec `yaml:"paging" about:"When the answer comes in pages."`
}

type rescanSpec struct {
	Complete bool       `yaml:"complete" about:"A finished pull has shown every document that is not final; the hub then fetches the open ones that it did not see, so fetch is needed."`
	Final    expression `yaml:"final" about:"A row that will never change again."`
}

type whenEmptySpec struct {
	Probe *callSpec  `yaml:"probe" need:"yes" about:"A call whose answer shows that credentials and filters work. It is made whenever a page, or a fetched key, comes back empty."`
	OK    expression `yaml:"ok" need:"yes" about:"Holds on the probe's answer when they work; otherwise the pull ends as unauthorized and nothing is believed gone."`
}

type ackSpec struct {
	callSpec
	Token expression `yaml:"token" need:"yes" about:"What of a row acknowledges it."`
	Batch int        `yaml:"batch" about:"Tokens in one call, as tokens; 1 when left out, as token."`
}

type usesSpec struct {
	Pull   named[int] `yaml:"pull" about:"Limits that a page takes, each with its cost."`
	Fetch  named[int] `yaml:"fetch" about:"Limits that a fetch takes."`
	Send   named[int] `yaml:"send" about:"Limits that a write takes."`
	Lookup named[int] `yaml:"lookup" about:"Limits that a look-up takes."`
	Poll   named[int] `yaml:"poll" about:"Limits that a poll takes."`
}

type reconcileSpec struct {
	By     string      `yaml:"by" about:"What the window selects by: modified, created."`
	List   *listSpec   `yaml:"list" about:"The list call with window; the stream's own when left out."`
	Get    *fetchSpec  `yaml:"get" about:"Reads by key; the stream's fetch when left out."`
	Window *windowSpec `yaml:"window" about:"How the list takes its window; the stream's own when left out."`
	Theirs summarySpec `yaml:"theirs" need:"yes" about:"A row as the vendor shows it."`
	Ours   summarySpec `yaml:"ours" about:"The document that the hub sent, as doc; theirs when left out."`
}

type summarySpec struct {
	Key      expression        `yaml:"key" about:"The remote key, or the stream's key."`
	Status   expression        `yaml:"status" about:"The status in the vendor's words."`
	Statuses map[string]string `yaml:"statuses" about:"From the vendor's words to open, cancelled or closed; a word that is not there is not compared."`
	Amount   expression        `yaml:"amount" about:"The amount in minor units: fen(row.total)."`
	Currency expression        `yaml:"currency" about:"Its currency: '\"CNY\"'."`
	Lines    expression        `yaml:"lines" about:"How many lines."`
	Store    expression        `yaml:"store" about:"The store."`
	At       expression        `yaml:"at" about:"The time that the window selects by: time(row.created, \"datetime\", \"Asia/Shanghai\")."`
	Modified expression        `yaml:"modified" about:"Time of the last change."`
	IDs      namedExpressions  `yaml:"ids" about:"Names that the vendor gave it."`
}

type ruleSpec struct {
	When    expression   `yaml:"when" need:"yes" about:"The answers that the rule is for, by status, header and body (and row, in results)."`
	Kind    string       `yaml:"kind" one:"invalid,unauthorized,forbidden,not_found,conflict,rate_limited,quota,unavailable,unreadable,unclassified" about:"What the error is. Needed unless then or outcome says it."`
	Scope   string       `yaml:"scope" one:"document,connection,operation" about:"Whose fault it is. Left out: connection for unauthorized, forbidden, rate_limited, quota and unavailable; document otherwise."`
	Code    tmpl         `yaml:"code" about:"In place of errors.code."`
	Text    tmpl         `yaml:"text" about:"In place of errors.text."`
	Hint    string       `yaml:"hint" about:"How to mend it."`
	Wait    tmpl         `yaml:"wait" about:"Come no earlier: 30s, or an expression that gives seconds."`
	Sent    *bool        `yaml:"sent" about:"Whether a write may have taken effect all the same. Left out: true for unavailable, unreadable and unclassified; false otherwise."`
	Then    string       `yaml:"then" one:"renew,clock" about:"renew: get a new session and repeat once; clock: take the vendor's clock from its Date header and repeat once."`
	Outcome string       `yaml:"outcome" one:"done,refused,not_sent,unknown,duplicate,missing" about:"What it means for a document that was sent, where kind and sent do not say it. done: it took effect before."`
	Missing *missingSpec `yaml:"missing" about:"With outcome missing: the document that the vendor lacks."`
}

type missingSpec struct {
	Operation string     `yaml:"operation" need:"yes" about:"The operation that brings it."`
	Key       expression `yaml:"key" need:"yes" about:"Its remote key."`
}

type errorsSpec struct {
	OK    expression `yaml:"ok" about:"Holds for a success: body.errno == 0. Left out: a status of 2xx."`
	Code  expression `yaml:"code" about:"The vendor's code."`
	Text  expression `yaml:"text" about:"The vendor's words."`
	Rules []ruleSpec `yaml:"rules" about:"What each failure means, the first that holds. An answer that is no success and in no rule is unclassified: a write may have taken effect."`
}

type authSpec struct {
	Kind         string           `yaml:"kind" need:"yes" one:"none,header,basic,oauth2,login" about:"header: what put says; basic: user and password; oauth2: a token endpoint; login: a call that gives a session or a token."`
	Put          putSpec          `yaml:"put" about:"What is added to each request; may read secret and session. Left out for oauth2 and login: Authorization: Bearer with session.token."`
	User         tmpl             `yaml:"user" about:"For basic, and for oauth2 with grant password."`
	Password     tmpl             `yaml:"password" about:"For basic, and for oauth2 with grant password."`
	Grant        string           `yaml:"grant" one:"client_credentials,password,refresh_token" about:"For oauth2; client_credentials when left out. A refresh token that the answer brings is used and kept in the vault in every case."`
	URL          tmpl             `yaml:"url" about:"For oauth2: the token endpoint, a path or a whole address of the same host."`
	ClientID     tmpl             `yaml:"client_id" about:"For oauth2."`
	ClientSecret tmpl             `yaml:"client_secret" about:"For oauth2."`
	Scope        tmpl             `yaml:"scope" about:"For oauth2."`
	Login        *callSpec        `yaml:"login" about:"For login: the call that gives a session. It is neither signed nor wrapped unless it says so."`
	Refresh      *callSpec        `yaml:"refresh" about:"For login: the call that renews a session, with session.refresh_token."`
	First        namedTemplates   `yaml:"first" about:"The session to begin with: {token: '{{ secret.access_token }}', refresh_token: '{{ secret.refresh_token }}'}. Later ones are kept in the vault."`
	Take         namedExpressions `yaml:"take" about:"What of the answer makes the session, by name; token is needed: {token: body.access_token}."`
	Cookies      []string         `yaml:"cookies" about:"Cookies of the login's answer that each request sends back; token may then be left out."`
	Life         expression       `yaml:"life" about:"Seconds that the session lives: body.expires_in. Left out: until the vendor refuses it."`
	RefreshLife  expression       `yaml:"refresh_life" about:"Seconds that the refresh token lives: body.refresh_expires_in; refresh_token_expires_in of oauth2 when left out. People hear of its end in time, unless renewals bring a new one."`
	Early        duration         `yaml:"early" about:"How long before its end it is renewed; 1m when left out."`
	Expired      expression       `yaml:"expired" about:"An answer that says the session is over: it is renewed and the call repeated once. Left out: status == 401."`
}

type putSpec struct {
	Headers pairs `yaml:"headers" about:"Headers."`
	Query   pairs `yaml:"query" about:"Query parameters."`
	Body    pairs `yaml:"body" about:"Members of the body (form, json, xml)."`
}

type signSpec struct {
	Parts    []tmpl      `yaml:"parts" need:"yes" about:"What is signed, in order: texts with expressions, and the words params (the parameters as below), body (the exact bytes of the body), query and path."`
	Join     string      `yaml:"join" about:"Between the parts; nothing when left out."`
	Params   *paramsSpec `yaml:"params" about:"How params are written."`
	Escape   string      `yaml:"escape" one:"none,url" about:"url: the whole text is escaped as in a form, by the rule of Java's URLEncoder, before the digest."`
	Digest   string      `yaml:"digest" need:"yes" one:"md5,sha1,sha256,sha512,hmac-md5,hmac-sha1,hmac-sha256,hmac-sha512,rsa-sha256" about:"The digest or signature."`
	Key      tmpl        `yaml:"key" about:"Key of hmac, or the PEM of the RSA key (private to sign, public to check)."`
	Encoding string      `yaml:"encoding" one:"hex,base64,base64_hex" about:"hex when left out; base64_hex is base64 of the hex text."`
	Case     string      `yaml:"case" one:"lower,upper" about:"Of hex; lower when left out."`
	Stamp    *stampSpec  `yaml:"stamp" about:"The timestamp, as stamp in every template of a request; unix seconds when left out."`
	Put      signPutSpec `yaml:"put" about:"Where the signature goes. One of them."`
	Given    expression  `yaml:"given" about:"Callbacks only: where the request carries its signature."`
	MaxAge   duration    `yaml:"max_age" about:"Callbacks only: how far stamp_given may be from now."`
	StampOf  expression  `yaml:"stamp_given" about:"Callbacks only: the time that the request carries, read with stamp's format."`
}

type paramsSpec struct {
	From   []string `yaml:"from" one:"query,body" about:"Query parameters, members of the body, or both; both when left out."`
	Order  string   `yaml:"order" one:"sorted,given,values" about:"sorted by the bytes of the names (when left out), as written, or by the values."`
	With   pairs    `yaml:"with" about:"More parameters that are signed and not sent: {secret: '{{ secret.app_secret }}', body: body}; the word body stands for the exact bytes of the body."`
	Only   []string `yaml:"only" about:"Only these, in this order when order is given."`
	Skip   []string `yaml:"skip" about:"Without these. The signature's own name is always left out."`
	Pair   string   `yaml:"pair" about:"Between name and value; nothing when left out."`
	Join   string   `yaml:"join" about:"Between pairs; nothing when left out."`
	Empty  string   `yaml:"empty" one:"skip,keep" about:"Parameters with an empty value; skip when left out."`
	Escape string   `yaml:"escape" one:"none,url" about:"url: values are escaped as in a form."`
	Values bool     `yaml:"values_only" about:"Values without their names."`
}

type stampSpec struct {
	Format string   `yaml:"format" about:"unix (when left out), millis, datetime, or another format."`
	Zone   string   `yaml:"zone" about:"Zone of the format."`
	Offset duration `yaml:"offset" about:"Added to the time: the vendor's clock is known to differ."`
}

type signPutSpec struct {
	Header string `yaml:"header" about:"Name of a header."`
	Query  string `yaml:"query" about:"Name of a query parameter."`
	Body   string `yaml:"body" about:"Name of a member of the body."`
	Prefix tmpl   `yaml:"prefix" about:"Text in front of the signature, as in 'HMAC {{ config.app_key }}:'."`
}

type operationSpec struct {
	Entity        string           `yaml:"entity" need:"yes" about:"Canonical entity that it usually carries."`
	Text          string           `yaml:"text" about:"What it does, for people."`
	Schema        string           `yaml:"schema" about:"Vendor schema of the target document."`
	Carries       string           `yaml:"carries" need:"yes" one:"state,event" about:"state: a document replaces the one before; event: each counts."`
	Changes       string           `yaml:"changes" need:"yes" one:"upsert,create-only" about:"What the vendor does with a changed document."`
	Undoes        string           `yaml:"undoes" about:"The operation that this one cancels."`
	AnyOrder      bool             `yaml:"any_order" about:"A parked event does not hold the ones behind it."`
	Repeat        string           `yaml:"repeat" need:"yes" one:"idempotent,ask-first,one-shot" about:"What may be done when nobody knows whether a write took effect: idempotent, send again, the vendor dedupes by our key; ask-first, look it up; one-shot, never again without a person."`
	IdempotentFor duration         `yaml:"idempotent_for" about:"How long the vendor dedupes; for ever when left out."`
	Settle        duration         `yaml:"settle" about:"ask-first: how long until a look-up sees a write."`
	Always        bool             `yaml:"always" about:"ask-first: ask before the first write, too."`
	Budget        int              `yaml:"budget" about:"one-shot: writes for each budget key."`
	BudgetKey     string           `yaml:"budget_key" about:"one-shot: JSON pointer into the document; the remote key when left out."`
	Batch         int              `yaml:"batch" about:"Documents in one call, as docs; 1 when left out, as doc."`
	Linger        duration         `yaml:"linger" about:"How long to wait for a batch to fill."`
	Timeout       duration         `yaml:"timeout" about:"Of one delivery; 30s when left out."`
	Key           keySpec          `yaml:"key" about:"What the vendor allows as a remote key."`
	Before        *beforeSpec      `yaml:"before" about:"A read that goes before the write, as before.rows and before.body."`
	Send          *callSpec        `yaml:"send" need:"yes" about:"The write."`
	Results       *resultsSpec     `yaml:"results" about:"For batches: the answer's result for each document."`
	IDs           namedExpressions `yaml:"ids" about:"Names that the vendor gave the document, from body (and row, in batches): {order_id: body.data.id}."`
	Accepted      *acceptedSpec    `yaml:"accepted" about:"The vendor takes the document and finishes later."`
	Poll          *pollSpec        `yaml:"poll" about:"How to ask whether it has finished."`
	Lookup        *lookupSpec      `yaml:"lookup" about:"How to find out what became of a write; needed for ask-first."`
	Uses          usesSpec         `yaml:"uses" about:"Which limits the calls take."`
	Reconcile     *reconcileSpec   `yaml:"reconcile" about:"How both sides are compared at night; left out: unlisted says why not."`
	Unlisted      string           `yaml:"unlisted" about:"Why the operation cannot be reconciled."`
}

type keySpec struct {
	Max     int        `yaml:"max" about:"Longest key, in bytes."`
	Pattern string     `yaml:"pattern" about:"RE2 pattern of the whole key."`
	Text    string     `yaml:"text" about:"The rule in words."`
	GenSep  string     `yaml:"generation" about:"Between a key and its generation; -g when left out."`
	Field   expression `yaml:"field" about:"Where the document carries its key; a document with another one is refused."`
}

type beforeSpec struct {
	callSpec
	Rows   expression       `yaml:"rows" about:"What was found: before.rows."`
	Paging *pagingSpec      `yaml:"paging" about:"When the answer comes in pages."`
	Done   expression       `yaml:"done" about:"The write has taken effect already."`
	Refuse []ruleSpec       `yaml:"refuse" about:"The write is not to be made."`
	IDs    namedExpressions `yaml:"ids" about:"Names that the vendor gave the document; an expression may give a list."`
}

type resultsSpec struct {
	Rows   expression `yaml:"rows" need:"yes" about:"The results in the answer."`
	Key    expression `yaml:"key" need:"yes" about:"The remote key of the document that a row is about."`
	OK     expression `yaml:"ok" need:"yes" about:"Holds for a row that says done."`
	Fail   expression `yaml:"failed" about:"Holds for a row that says not done. A row that is neither leaves the document unknown. Left out: every row that is not ok."`
	Code   expression `yaml:"code" about:"The row's code."`
	Text   expression `yaml:"text" about:"The row's words."`
	Errors []ruleSpec `yaml:"errors" about:"What a row's failure means; one in no rule is refused."`
}

type acceptedSpec struct {
	When   expression `yaml:"when" about:"Answers that mean accepted; all successes when left out."`
	Ticket expression `yaml:"ticket" need:"yes" about:"What to ask about: body.job_id."`
}

type pollSpec struct {
	callSpec
	Every   duration         `yaml:"every" need:"yes" about:"The first wait."`
	Done    expression       `yaml:"done" need:"yes" about:"An answer that says finished."`
	Pending expression       `yaml:"pending" need:"yes" about:"An answer that says not yet. One that is neither, and in no rule, leaves the document unknown."`
	IDs     namedExpressions `yaml:"ids" about:"Names that the vendor gave the document."`
}

type lookupSpec struct {
	callSpec
	Rows      expression       `yaml:"rows" need:"yes" about:"What was found: a list, or one object."`
	Match     expression       `yaml:"match" about:"Whether row is the delivery's document, with doc and key. Left out: every row is."`
	Batch     int              `yaml:"batch" about:"Documents in one call, as docs and keys; 1 when left out, as doc and key."`
	Group     expression       `yaml:"group" about:"Only documents with the same value go into one call: doc.shop_id."`
	Paging    *pagingSpec      `yaml:"paging" about:"When the answer comes in pages."`
	Absent    expression       `yaml:"absent" about:"What was found (rows) still means: not there. Left out: only no row at all does."`
	WhenEmpty *whenEmptySpec   `yaml:"when_empty" about:"For vendors that answer a bad token or filter with nothing: what proves that nothing is really nothing."`
	Compare   []compareSpec    `yaml:"compare" about:"Fields that must agree: all of them, same; otherwise other content."`
	IDs       namedExpressions `yaml:"ids" about:"Names that the vendor gave the document; an expression may give a list."`
}

type compareSpec struct {
	Name   string     `yaml:"name" need:"yes" about:"Name of the field, as people read it."`
	Ours   expression `yaml:"ours" need:"yes" about:"From doc."`
	Theirs expression `yaml:"theirs" need:"yes" about:"From row, the first that matched, or rows."`
	As     string     `yaml:"as" one:"text,number,value" about:"text (when left out); number, by value; value: lists and objects, member by member."`
	Masked string     `yaml:"masked" about:"A sign that shows that the vendor masks the field, such as *; a masked field is not compared."`
	Empty  string     `yaml:"empty" one:"skip,compare" about:"skip (when left out): a side that has nothing is not compared."`
	When   expression `yaml:"when" about:"Compared only when this holds."`
}

type callbackSpec struct {
	Text      string             `yaml:"text" about:"What it is, for people."`
	Path      string             `yaml:"path" about:"Below the connection's intake address; any when left out."`
	When      expression         `yaml:"when" about:"The requests that it is for, by call.method, call.path, query, header and body; all when left out. What it reads is not authentic yet."`
	Format    string             `yaml:"format" one:"json,form,xml,text" about:"Form of the body; json when left out."`
	Sign      *signSpec          `yaml:"sign" about:"The signature that proves it authentic. params and body are those of the request."`
	Secret    *secretSpec        `yaml:"secret" about:"In place of a signature: a text that only the vendor knows."`
	Unsigned  string             `yaml:"unsigned" about:"Why there is no way to tell an authentic request; only hints are then taken, which are read from the vendor."`
	Handshake *handshakeSpec     `yaml:"handshake" about:"A request that only tests the address."`
	Items     *callbackItemsSpec `yaml:"items" about:"What it carries."`
	Replies   repliesSpec        `yaml:"replies" need:"yes" about:"What the vendor expects to read."`
}

type secretSpec struct {
	Given expression `yaml:"given" need:"yes" about:"Where the request carries it: header['x-token']."`
	Want  tmpl       `yaml:"want" need:"yes" about:"What it must be: '{{ secret.token }}'."`
}

type handshakeSpec struct {
	When  expression `yaml:"when" need:"yes" about:"Which requests are one."`
	Reply replySpec  `yaml:"reply" need:"yes" about:"The answer."`
}

type callbackItemsSpec struct {
	Stream  string       `yaml:"stream" need:"yes" about:"The stream that the items belong to."`
	Rows    expression   `yaml:"rows" about:"The rows in the body: a list, or one object; the body itself when left out."`
	Each    expression   `yaml:"each" about:"In place of the stream's."`
	Key     expression   `yaml:"key" about:"In place of the stream's."`
	Root    expression   `yaml:"root" about:"In place of the stream's."`
	Version *versionSpec `yaml:"version" about:"In place of the stream's."`
	Hint    bool         `yaml:"hint" about:"Only the key is taken; the stream's fetch reads the document."`
}

type repliesSpec struct {
	Stored replySpec `yaml:"stored" need:"yes" about:"It is kept."`
	Busy   replySpec `yaml:"busy" need:"yes" about:"Come again."`
	Bad    replySpec `yaml:"bad" need:"yes" about:"Not authentic, or not understood."`
}

type replySpec struct {
	Status  int    `yaml:"status" about:"200 when left out."`
	Headers pairs  `yaml:"headers" about:"Headers; the content type follows from the body when left out."`
	Body    tree   `yaml:"body" about:"An object becomes JSON, or XML with format xml; a text is sent as it is. The request's variables are known."`
	Format  string `yaml:"format" one:"json,xml,text" about:"Of a body that is an object; json when left out."`
}
