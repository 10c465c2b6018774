namespace Ciba.AspNetCore;

/// <summary>
/// Where and how <c>AddWebhookNotifier</c> tells of an authentication request that waits for a user: by a <c>POST</c> of JSON,
/// signed as <see cref="CibaWebhookSignature"/> says.
/// </summary>
/// <remarks>
/// <para>
/// The JSON is the request as <c>GET {prefix}/requests/{id}</c> of the device API has it, and <c>type</c> (<c>ciba.request</c>),
/// <c>sub</c> (the user), in a host with several issuers <c>issuer</c>, and <c>request_context</c> where the client sent one
/// (<see cref="CibaDeviceRequest.RequestContext"/>, not for the device). Personal data. The same <c>id</c> comes more than once
/// where the notification is tried again or the user asks for it.
/// </para>
/// <para>
/// Any 2xx is success, and its body is not read. Everything else is a failure, redirects too: the next notifier is tried, and
/// what else a failure means says <see cref="CibaOptions.DeviceNotification"/>.
/// </para>
/// </remarks>
public sealed class CibaWebhookOptions
{
    /// <summary>
    /// The client of <see cref="IHttpClientFactory"/> that calls the webhook. It is set up as
    /// <see cref="CibaCallbackOptions.HttpClientName"/> is, and a host changes it in the same way.
    /// </summary>
    public const string HttpClientName = "Ciba.Webhook";

    /// <summary>
    /// The absolute https URL that is called; http only for loopback. It may have any address:
    /// <see cref="CibaCallbackOptions.AllowedNetworks"/> is for URLs of clients. Required.
    /// </summary>
    public string Url { get; set; } = "";

    /// <summary>The secret that the webhook shares with this provider, which signs with it. 32 characters at least. Required.</summary>
    public string Secret { get; set; } = "";

    /// <summary>
    /// A second secret that calls are signed with as well, while receivers change from one to the other: set the new one here, give
    /// it to the receivers, then make it <see cref="Secret"/>. 32 characters at least. Null, the default: none.
    /// </summary>
    public string? SecondSecret { get; set; }

    /// <summary>How long one call may take, 1 ms to 5 min. Null, the default: <see cref="CibaOptions.DeviceNotificationTimeout"/>.</summary>
    public TimeSpan? Timeout { get; set; }
}
