// Package salesforcesim is Salesforce's REST API as a simulator over an
// organisation that lives in memory. It follows the vendor's REST API Developer
// Guide (upsert by external id, sObject collections upsert, composite, query,
// limits, describe, status codes and error responses) and the help pages of the
// OAuth 2.0 client credentials flow.
//
// Calls, below any mount point of its own:
//
//	POST   /services/oauth2/token                                    client_credentials
//	GET    /services/data/
//	GET    /services/data/vNN.0/limits
//	POST   /services/data/vNN.0/sobjects/<Object>
//	GET    /services/data/vNN.0/sobjects/<Object>/describe
//	GET, PATCH, DELETE  .../sobjects/<Object>/<id>
//	GET, PATCH, DELETE  .../sobjects/<Object>/<external id field>/<value>
//	PATCH  .../composite/sobjects/<Object>/<external id field>       up to 200 rows
//	POST   .../composite                                             up to 25 calls
//	GET    .../query?q=  .../queryAll?q=  .../query/<locator>
//
// Objects and fields are data (Options.Schema, DefaultObjects): accounts, members
// as Contact with MemberNo__c, Transaction__c and TransactionLine__c with
// External_Id__c and the relationships Contact__r and Transaction__r.
//
// # Where the vendor's pages are silent, and what was chosen
//
//   - Unknown fields and ill-typed values refuse a whole collection (HTTP 400,
//     INVALID_FIELD or JSON_PARSER_ERROR), since the parser meets them before any
//     row; every other fault is the row's. A number must be a JSON number.
//   - Decimals beyond a field's scale answer NUMBER_OUTSIDE_VALID_RANGE. This is
//     stricter than the vendor, which may round: a hub must not rely on that.
//   - Of rows with one external id in one collection the first is written, the
//     others answer DUPLICATE_VALUE. A row without its external id answers MISSING_ARGUMENT.
//   - Under a composite's allOrNone a row that fails in a collection rolls the whole
//     back; the collection answers 200 with its rows, the other parts 400.
//   - More than one match answers 300 to a single upsert, DUPLICATE_EXTERNAL_ID to a row.
//   - A write that changes nothing still moves SystemModstamp.
//   - Text is trimmed and empty text is no value; external ids ignore case.
//   - An update answers 200 with a body from v46.0 on, 204 before.
//   - A "." in the value of an external id must be percent-encoded, else 404.
//   - Only calls running for 20 seconds count against the limit of 25 at once, so
//     the concurrent limit is reached only through the rate_limit fault. The daily
//     limit is counted by the minute over 24 hours; refused calls are not counted.
//   - SOQL is the subset that soql documents; anything else is MALFORMED_QUERY.
//
// # Faults in rows
//
// An error_body fault whose call is "row/<Object>" strikes single rows, inside an
// answer of HTTP 200: {"kind":"error_body","call":"row/Contact","code":"UNABLE_TO_LOCK_ROW","rate":0.1}.
//
// # Control
//
// ControlHTTP serves POST /_sim/salesforce/<command> with a JSON object, answering
// {"ok":true,...} or HTTP 400 and {"error":"..."}; key is the object's first external id:
//
//	delete           {object, key}
//	change           {object, key, fields: {TotalAmount__c: 1.00, ...}}
//	insert           {object, fields}               a record the hub never sent
//	duplicate        {object, key}                  a copy without the unique fields
//	lock_row         {object, key, times}           the next writes answer UNABLE_TO_LOCK_ROW
//	expire_sessions  {}
//	GET record       what Record returns
package salesforcesim
