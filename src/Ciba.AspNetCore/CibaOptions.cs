using Ciba.AspNetCore.Profiles;
using Ciba.AspNetCore.Protocol;

namespace Ciba.AspNetCore;

/// <summary>What the OpenID Provider allows and how long things last. Checked as a whole when the host starts.</summary>
public sealed class CibaOptions
{
    private static readonly string[] NoAlgorithms = [];

    /// <summary>
    /// The issuer identifier: an absolute https URL without query or fragment, as it stands in <c>iss</c> and in the
    /// discovery document. Endpoint URLs are this plus their path. Plain http only for loopback hosts or without
    /// <see cref="RequireHttps"/>. Required.
    /// </summary>
    public string Issuer { get; set; } = "";

    /// <summary>Path of the backchannel authentication endpoint (CIBA Core section 7). Default <c>/bc-authorize</c>.</summary>
    public string BackchannelAuthenticationPath { get; set; } = "/bc-authorize";

    /// <summary>
    /// Path of the token endpoint (CIBA Core section 10.1). Default <c>/token</c>. A host that has a token endpoint on this
    /// path keeps it: only the CIBA grant comes here.
    /// </summary>
    public string TokenPath { get; set; } = "/token";

    /// <summary>
    /// Says that something other than an endpoint answers the other grant types on <see cref="TokenPath"/>: middleware, or a
    /// branch of the pipeline (<c>Map</c>, <c>UseWhen</c>). The library takes the CIBA grant there and lets all else pass, other
    /// methods and other grant types. Its endpoint then answers in the routing middleware, before what stands behind; what that
    /// costs, <c>MapCiba</c> says. Not needed beside an endpoint of the host. Default false: what no endpoint takes is answered
    /// <c>unsupported_grant_type</c> or 405.
    /// </summary>
    public bool TokenPathIsShared { get; set; }

    /// <summary>Path of the JSON Web Key Set that <c>MapCibaDiscovery</c> maps. Default <c>/jwks</c>.</summary>
    public string JwksPath { get; set; } = "/jwks";

    /// <summary>
    /// Gets or sets whether plain http is refused. The exception is a request from loopback, under a loopback name and not
    /// forwarded by a proxy, if the issuer is on loopback too. The default is true.
    /// </summary>
    public bool RequireHttps { get; set; } = true;

    /// <summary>
    /// The <c>interval</c> of section 7.3: the shortest time between two polls. Whole seconds, 1 s at least. Default 5 s.
    /// </summary>
    public TimeSpan PollingInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets the settings of long polling (section 10.1). Off by default.</summary>
    public CibaLongPollingOptions LongPolling { get; } = new();

    /// <summary>
    /// How long a request lives when the client asks for no <c>requested_expiry</c>. Whole seconds, at most 30 days. Default 2 min.
    /// </summary>
    public TimeSpan RequestLifetime { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// What <c>requested_expiry</c> (section 7.1) is capped at. Whole seconds, at most 30 days, as for approvals by e-mail. Default
    /// 10 min.
    /// </summary>
    public TimeSpan MaxRequestLifetime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Gets or sets the shortest lifetime of a request. A shorter <c>requested_expiry</c> is raised to it, and <c>expires_in</c> says
    /// so: a request that ends before its user can answer only notifies. The default is 10 seconds.
    /// </summary>
    /// <value>Whole seconds, at least 1 second and at most <see cref="RequestLifetime"/>.</value>
    public TimeSpan MinRequestLifetime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long an expired request is remembered, so that a late poll learns <c>expired_token</c> instead of
    /// <c>invalid_grant</c>. 60 s at least. Default 60 s.
    /// </summary>
    public TimeSpan ExpiredRequestRetention { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long one token request may hold an approved request while its tokens are issued. The issuer's cancellation token
    /// fires then, and the approval can be redeemed by another poll. Default 30 s.
    /// </summary>
    public TimeSpan RedemptionLease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets the limits on what may be pending.</summary>
    public CibaLimitOptions Limits { get; } = new();

    /// <summary>
    /// How long a client is refused for a user who has denied a request of its, 24 h at most: <c>access_denied</c>, and nobody is
    /// notified. Other clients still reach the user, and the client other users. Default 0: not at all.
    /// </summary>
    public TimeSpan DenialCooldown { get; set; }

    /// <summary>
    /// Whether a request that is the same as one of the same client for the same user that still waits is that one: the client gets
    /// its <c>auth_req_id</c> again, with the time that is left and the interval that it must keep to by now, and the device is not
    /// told anew. Where less than half of the lifetime that is asked for is left, it is a new request. The same means scope, binding
    /// message, <c>acr_values</c>, authorization details, resources, claims and notification token, and that the tokens are bound to
    /// the same. Stores the <c>auth_req_id</c>, on Redis encrypted by Data Protection. Default false.
    /// </summary>
    public bool CollapseIdenticalRequests { get; set; }

    /// <summary>
    /// Number matching: the device does not show the <c>binding_message</c>, but has the user find it among three; a wrong choice
    /// denies the request. The <c>binding_message</c> is required then, as a code of 2 to 8 letters and digits. Default false.
    /// </summary>
    public bool NumberMatching { get; set; }

    /// <summary>
    /// Whether a client may withdraw its request while it waits, by <c>POST</c> to <see cref="BackchannelAuthenticationPath"/> plus
    /// <c>/cancel</c> with its authentication and <c>auth_req_id</c>: beyond CIBA Core. Default false.
    /// </summary>
    public bool ClientsMayCancel { get; set; }

    /// <summary>
    /// Whether a client may have the device told again of its request while it waits, by <c>POST</c> to
    /// <see cref="BackchannelAuthenticationPath"/> plus <c>/resend</c> with its authentication and <c>auth_req_id</c>: beyond CIBA
    /// Core. Default false. The user may in any case.
    /// </summary>
    public bool ClientsMayResend { get; set; }

    /// <summary>How often the device may be told again of one request, 0 to 100, by client and user together. Default 3.</summary>
    public int MaxResends { get; set; } = 3;

    /// <summary>How long after it was told again the device is not told again once more, 1 s to 1 h. Default 15 s.</summary>
    public TimeSpan ResendInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The longest <c>binding_message</c> (section 7.1) in Unicode characters after normalisation (form C, which .NET has
    /// only where globalization is not invariant). Default 64. Rules of your own go into an
    /// <see cref="ICibaRequestValidator"/>.
    /// </summary>
    public int BindingMessageMaxLength { get; set; } = 64;

    /// <summary>How many wrong user codes a user has within <see cref="UserCodeWindow"/>, from all clients together. Default 5.</summary>
    public int MaxUserCodeFailures { get; set; } = 5;

    /// <summary>
    /// Gets or sets how many wrong user codes a client may send for one user within <see cref="UserCodeWindow"/>, so that a single client
    /// cannot use up what all clients have (<see cref="MaxUserCodeFailures"/>). The default is null: half of that, rounded up, which is 3.
    /// </summary>
    public int? MaxUserCodeFailuresPerClient { get; set; }

    /// <summary>The time that wrong user codes count for. Default 15 min.</summary>
    public TimeSpan UserCodeWindow { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// Gives a client the same answer for every hint, whether it names a user or not: the request is accepted, and simply expires
    /// (section 15, account enumeration). The same holds for a user who is not active or has blocked the client, for a wrong or missing
    /// user code, and beyond the user's limits. Not together with
    /// <see cref="CibaDeviceNotificationMode.BeforeAcknowledgement"/>, which would tell by its time and its failures. Default
    /// false: <c>unknown_user_id</c> and <c>access_denied</c>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// <see cref="Limits"/> that a client can observe are counted by the hint, so that two hints of one user look like two users. What
    /// exceeds the user's own limits is accepted, and no device is notified.
    /// </para>
    /// <para>
    /// <see cref="ICibaUserLookup"/> and <see cref="ICibaClientBlocks"/> are called in the same way for a subject that no user has. They
    /// should take as long for it.
    /// </para>
    /// </remarks>
    public bool ConcealUnknownUsers { get; set; }

    /// <summary>
    /// A secret of 32 characters at least, the same on every node, that <see cref="ConcealUnknownUsers"/> needs where the store
    /// is not in memory: it hides the user's shard in the <c>auth_req_id</c>, which otherwise shows a little of who the user is.
    /// Requests made under another key are not found. Default none.
    /// </summary>
    public string? ConcealmentKey { get; set; }

    /// <summary>When the user's device is told of a request. Default <see cref="CibaDeviceNotificationMode.Background"/>.</summary>
    public CibaDeviceNotificationMode DeviceNotification { get; set; }

    /// <summary>
    /// How long one call of an <see cref="ICibaDeviceNotifier"/> may take that was added without a time-out of its own, 1 ms to
    /// 5 min. Where there are several, each has its time-out, and the notification may take the sum of them. Default 10 s.
    /// </summary>
    public TimeSpan DeviceNotificationTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The token delivery modes that are on (section 5), of <see cref="CibaTokenDeliveryModes"/>: clients of others are refused,
    /// and discovery lists these. Null, the default: all three, but without an <see cref="ICibaTokenIssuer"/> no push, for which it is
    /// required, and with <see cref="CibaProfile.FapiCiba"/> none either.
    /// </summary>
    public string[]? BackchannelTokenDeliveryModesSupported { get; set; }

    /// <summary>
    /// How much longer than it may need a node holds a notification or callback, which is another's after that should the node
    /// have died. What it may need is twice the sum of the notifiers' time-outs (<see cref="DeviceNotificationTimeout"/>) for a
    /// notification, and three times <see cref="CibaCallbackOptions.Timeout"/> for a callback. Longer than the clocks of the nodes
    /// differ. Default 10 s.
    /// </summary>
    public TimeSpan OutboxLease { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets the settings of the device API, which <c>MapCibaDevice</c> maps.</summary>
    public CibaDeviceApiOptions DeviceApi { get; } = new();

    /// <summary>The calls to clients: pings, pushes, and which addresses they may reach.</summary>
    public CibaCallbackOptions Callbacks { get; set; } = new();

    /// <summary>Gets the limits on the JWK Sets of clients.</summary>
    public CibaClientKeyOptions ClientKeys { get; } = new();

    /// <summary>How far ahead the <c>exp</c> of a client assertion may lie (RFC 7523 section 3). Default 1 h.</summary>
    public TimeSpan MaxClientAssertionLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Gets or sets a value indicating whether client assertions must have the strict form of RFC 7523bis: <c>aud</c> is a string, the
    /// issuer, and <c>typ</c> is <c>client-authentication+jwt</c>. A single client has it by
    /// <see cref="CibaClient.RequireStrictClientAssertions"/>. The default is <see langword="false"/>, with every profile: CIBA Core
    /// section 7.1 has two more audiences, and demands no <c>typ</c>.
    /// </summary>
    public bool RequireStrictClientAssertions { get; set; }

    /// <summary>
    /// How far a client's clock may be ahead of ours when it dates a JWT (<c>iat</c>, <c>nbf</c>). Nothing is added to
    /// <c>exp</c>. Default 30 s, 5 min at most.
    /// </summary>
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The profile that the whole provider keeps, on top of CIBA Core. Default <see cref="CibaProfile.Core"/>: none. A single client
    /// has one by <see cref="CibaClient.Profile"/>.
    /// </summary>
    public CibaProfile Profile { get; set; }

    /// <summary>
    /// The algorithms of signed authentication requests (section 7.1.1) that are taken, asymmetric ones only, and what discovery
    /// lists as <c>backchannel_authentication_request_signing_alg_values_supported</c>. Null, the default: all that are known here.
    /// Empty: signed requests are off. Whatever the profile, a signed request lasts for 60 minutes at most, from <c>nbf</c> to
    /// <c>exp</c>, and is taken once (FAPI-CIBA section 5.2.2).
    /// </summary>
    public string[]? BackchannelAuthenticationRequestSigningAlgValuesSupported { get; set; }

    /// <summary>Client certificates: RFC 8705. Off by default.</summary>
    public CibaMutualTlsOptions MutualTls { get; set; } = new();

    /// <summary>Access tokens bound to a key of the client: DPoP, RFC 9449. On by default where <c>AddJwtTokenIssuer</c> issues the tokens.</summary>
    public CibaDpopOptions Dpop { get; set; } = new();

    /// <summary>What discovery lists as <c>acr_values_supported</c>. Default empty: not listed.</summary>
    public IList<string> AcrValuesSupported { get; set; } = [];

    /// <summary>
    /// The types of authorization details that are known (RFC 9396), and what discovery lists as
    /// <c>authorization_details_types_supported</c>. A client uses those that it has too
    /// (<see cref="CibaClient.AuthorizationDetailsTypes"/>). What an object of a type must hold, an
    /// <see cref="ICibaAuthorizationDetailsValidator"/> checks: <see cref="CibaBuilder.AddAuthorizationDetailsType"/> adds the type
    /// here too. Objects of other types are taken as they are. Default empty: none.
    /// </summary>
    public IList<string> AuthorizationDetailsTypesSupported { get; set; } = [];

    /// <summary>What discovery lists as <c>scopes_supported</c>, beside <c>openid</c>. Default empty.</summary>
    public IList<string> ScopesSupported { get; set; } = [];

    internal int UserCodeFailuresPerClient => MaxUserCodeFailuresPerClient ?? ((MaxUserCodeFailures + 1) / 2);
    /// <summary>Gets the settings of the discovery document.</summary>
    public CibaDiscoveryOptions Discovery { get; } = new();

    internal IList<string> RequestSigningAlgorithms => BackchannelAuthenticationRequestSigningAlgValuesSupported ?? AllAlgorithms;

    /// <summary>Set by the services that are there.</summary>
    internal TokenSource TokenSource { get; set; }

    internal IList<string> DpopAlgorithms => Dpop.SigningAlgValuesSupported ?? (TokenSource == TokenSource.ReadyIssuer ? AllAlgorithms : NoAlgorithms);

    // FAPI-CIBA section 5.2.2-3; and there must be somebody who issues the tokens of a push.
    internal IList<string> DeliveryModes => BackchannelTokenDeliveryModesSupported
        ?? (Profile == CibaProfile.FapiCiba || TokenSource == TokenSource.TokenEndpointOfTheHost ? CibaTokenDeliveryModes.WithoutPush : CibaTokenDeliveryModes.All);

    private IList<string> AllAlgorithms => Profile == CibaProfile.FapiCiba ? FapiCiba.Algorithms : Jose.JoseAlgorithms.Asymmetric;
}

/// <summary>Rules beyond CIBA Core.</summary>
public enum CibaProfile
{
    /// <summary>CIBA Core alone.</summary>
    Core,

    /// <summary>
    /// Financial-grade API: CIBA profile: no push, clients that authenticate by <c>private_key_jwt</c> or mutual TLS, signed
    /// authentication requests that name what is approved, PS256 and ES256 alone, and access tokens that are bound to a key.
    /// </summary>
    FapiCiba,
}

/// <summary>When the user's device is told of an authentication request, and what a failure means.</summary>
public enum CibaDeviceNotificationMode
{
    /// <summary>
    /// After the client has its answer. A failure is logged and tried again, from the first notifier on, with growing waits while
    /// the request waits.
    /// </summary>
    Background,

    /// <summary>
    /// Before the client has its answer, within the time-outs of the notifiers
    /// (<see cref="CibaOptions.DeviceNotificationTimeout"/>). A failure removes the request and answers 503
    /// <c>temporarily_unavailable</c>.
    /// </summary>
    BeforeAcknowledgement,
}
