using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Profiles;
using Ciba.AspNetCore.Protocol;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Startup;

/// <summary>What the options must hold, each rule with a sentence that says the cure.</summary>
internal static partial class OptionRules
{
    private static readonly TimeSpan OneSecond = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OneMinute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan OneDay = TimeSpan.FromDays(1);
    private static readonly TimeSpan ThirtyDays = TimeSpan.FromDays(30);
    private static readonly TimeSpan ShortestNotification = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestNotification = TimeSpan.FromMinutes(5);

    private const int MinSecretLength = 32;
    private const int MaxCallbacks = 10_000;

    public static IEnumerable<string> Check(CibaOptions options, bool hasTenants) => new[]
    {
        hasTenants ? null : WhyNotIssuer(options.Issuer, options.RequireHttps) is { } issuer ? Option(nameof(CibaOptions.Issuer), issuer) : null,
        new[] { options.BackchannelAuthenticationPath, options.TokenPath, options.JwksPath }.Distinct(StringComparer.OrdinalIgnoreCase).Count() < 3
            ? Option("the three paths", "must differ from each other") : null,
        Between(nameof(CibaOptions.PollingInterval), options.PollingInterval, OneSecond, TimeSpan.FromMinutes(5), wholeSeconds: true),
        Between(LongPolling(nameof(options.LongPolling.Timeout)), options.LongPolling.Timeout, TimeSpan.Zero, TimeSpan.FromMinutes(5)),
        NotNegative(LongPolling(nameof(options.LongPolling.MaxWaiting)), options.LongPolling.MaxWaiting, "no poll waits"),
        Between(nameof(CibaOptions.RequestLifetime), options.RequestLifetime, OneSecond, ThirtyDays, wholeSeconds: true),
        Between(nameof(CibaOptions.MaxRequestLifetime), options.MaxRequestLifetime, OneSecond, ThirtyDays, wholeSeconds: true),
        options.MaxRequestLifetime < options.RequestLifetime ? Option(nameof(CibaOptions.MaxRequestLifetime), "must not be shorter than RequestLifetime") : null,
        Between(nameof(CibaOptions.MinRequestLifetime), options.MinRequestLifetime, OneSecond, OneDay, wholeSeconds: true),
        options.MinRequestLifetime > options.RequestLifetime ? Option(nameof(CibaOptions.MinRequestLifetime), "must not be longer than RequestLifetime") : null,
        Between(nameof(CibaOptions.ExpiredRequestRetention), options.ExpiredRequestRetention, OneMinute, OneDay),
        WhyNotRetention(options) is { } retention ? Option(nameof(CibaOptions.ExpiredRequestRetention), retention) : null,
        Between(nameof(CibaOptions.RedemptionLease), options.RedemptionLease, OneSecond, TimeSpan.FromMinutes(10)),
        NotNegative(Limits(nameof(options.Limits.PendingPerUser)), options.Limits.PendingPerUser),
        NotNegative(Limits(nameof(options.Limits.PendingPerUserAndClient)), options.Limits.PendingPerUserAndClient),
        NotNegative(Limits(nameof(options.Limits.PendingPerClient)), options.Limits.PendingPerClient),
        NotNegative(Limits(nameof(options.Limits.PendingTotal)), options.Limits.PendingTotal),
        NotNegative(Limits(nameof(options.Limits.NotificationsPerUser)), options.Limits.NotificationsPerUser),
        NotNegative(Limits(nameof(options.Limits.NotificationsPerUserAndClient)), options.Limits.NotificationsPerUserAndClient),
        Between(Limits(nameof(options.Limits.NotificationWindow)), options.Limits.NotificationWindow, OneSecond, OneDay),
        NotNegative(Limits(nameof(options.Limits.FailedAuthentications)), options.Limits.FailedAuthentications),
        options.Limits.ConcurrentNotifications is < 1 or > MaxCallbacks ? Option(Limits(nameof(options.Limits.ConcurrentNotifications)), $"must be between 1 and {MaxCallbacks}") : null,
        Between(nameof(CibaOptions.DenialCooldown), options.DenialCooldown, TimeSpan.Zero, OneDay),
        options.MaxResends is < 0 or > 100 ? Option(nameof(CibaOptions.MaxResends), "must be between 0 (never) and 100") : null,
        Between(nameof(CibaOptions.ResendInterval), options.ResendInterval, OneSecond, TimeSpan.FromHours(1)),
        options.BindingMessageMaxLength is < 1 or > 1024 ? Option(nameof(CibaOptions.BindingMessageMaxLength), "must be between 1 and 1024")
            : options is { NumberMatching: true, BindingMessageMaxLength: < NumberMatching.MinLength }
                ? Option(nameof(CibaOptions.BindingMessageMaxLength), $"must be {NumberMatching.MinLength} or more with NumberMatching, whose codes have {NumberMatching.MinLength} to {NumberMatching.MaxLength} characters") : null,
        options.MaxUserCodeFailures < 1 ? Option(nameof(CibaOptions.MaxUserCodeFailures), "must be 1 or more")
            : options.UserCodeFailuresPerClient < 1 || options.UserCodeFailuresPerClient > options.MaxUserCodeFailures
                ? Option(nameof(CibaOptions.MaxUserCodeFailuresPerClient), "must be between 1 and MaxUserCodeFailures") : null,
        Between(nameof(CibaOptions.UserCodeWindow), options.UserCodeWindow, OneSecond, OneDay),
        Enum.IsDefined(options.DeviceNotification) ? null : Option(nameof(CibaOptions.DeviceNotification), "must be Background or BeforeAcknowledgement"),
        Between(nameof(CibaOptions.DeviceNotificationTimeout), options.DeviceNotificationTimeout, ShortestNotification, LongestNotification),
        options.DeliveryModes.Count == 0 || options.DeliveryModes.Except(CibaTokenDeliveryModes.All).Any()
            ? Option(nameof(CibaOptions.BackchannelTokenDeliveryModesSupported), $"must be some of {string.Join(", ", CibaTokenDeliveryModes.All)}") : null,
        options.TokenSource == TokenSource.TokenEndpointOfTheHost && options.DeliveryModes.Contains(CibaTokenDeliveryModes.Push)
            ? Option(nameof(CibaOptions.BackchannelTokenDeliveryModesSupported), "holds push, whose tokens an ICibaTokenIssuer issues: add it with AddTokenIssuer<T>() or AddJwtTokenIssuer(...), or leave push out") : null,
        Between(nameof(CibaOptions.OutboxLease), options.OutboxLease, OneSecond, TimeSpan.FromMinutes(10)),
        Between(ClientKeys(nameof(options.ClientKeys.MaxKeys)), options.ClientKeys.MaxKeys, 1, ReadKeySets.MaxKeys),
        Between(ClientKeys(nameof(options.ClientKeys.MaxSetSize)), options.ClientKeys.MaxSetSize, 1024, 1024 * 1024),
        Between(nameof(CibaOptions.MaxClientAssertionLifetime), options.MaxClientAssertionLifetime, OneSecond, OneDay),
        Between(nameof(CibaOptions.ClockSkew), options.ClockSkew, TimeSpan.Zero, TimeSpan.FromMinutes(5)),
        options.RequestSigningAlgorithms.Except(JoseAlgorithms.Asymmetric).Any()
            ? Option(nameof(CibaOptions.BackchannelAuthenticationRequestSigningAlgValuesSupported), $"must be some of {string.Join(", ", JoseAlgorithms.Asymmetric)}, or empty (off)") : null,
        options is { ConcealUnknownUsers: true, DeviceNotification: CibaDeviceNotificationMode.BeforeAcknowledgement }
            ? Option(nameof(CibaOptions.ConcealUnknownUsers), "needs DeviceNotification Background: whether a device is waited for would tell who is known") : null,
        options.ConcealmentKey is { Length: < MinSecretLength } ? Option(nameof(CibaOptions.ConcealmentKey), $"must have {MinSecretLength} characters at least") : null,
        Enum.IsDefined(options.Profile) ? null : Option(nameof(CibaOptions.Profile), "must be Core or FapiCiba"),
    }.Concat(CheckLists(options)).Concat(Check(options.Callbacks)).Concat(Check(options.Dpop)).Concat(Check(options.MutualTls, options)).Concat(CheckProfile(options)).OfType<string>().Select(rule => $"{nameof(CibaOptions)}: {rule}.").Concat(CheckPaths(options));

    /// <summary>A request is to outlive the hold of its last callback, or nobody could take that over from a node that died.</summary>
    private static string? WhyNotRetention(CibaOptions options)
    {
        // What is shorter than any retention may be is told of already.
        if (options.ExpiredRequestRetention < OneMinute || options.Callbacks is null || options.DeliveryModes.All(mode => mode == CibaTokenDeliveryModes.Poll))
        {
            return null;
        }

        var takenOver = OutboxWorker.CallbackHoldOf(options) + OutboxWorker.LookEvery;
        return options.ExpiredRequestRetention >= takenOver ? null
            : $"must be at least {takenOver:c} (three times Callbacks.Timeout, OutboxLease and 5 s), after which another node takes over the callback of one that died: raise it, or lower those";
    }

    private static IEnumerable<string> CheckProfile(CibaOptions options) =>
        options is { Profile: CibaProfile.FapiCiba, Dpop: not null, MutualTls: not null } ? FapiCiba.Check(options).Select(rule => $"FAPI-CIBA: {rule}") : [];

    /// <summary>What routing could not take.</summary>
    public static IEnumerable<string> CheckPaths(CibaOptions options) => new[]
    {
        Path(nameof(CibaOptions.BackchannelAuthenticationPath), options.BackchannelAuthenticationPath),
        Path(nameof(CibaOptions.TokenPath), options.TokenPath),
        Path(nameof(CibaOptions.JwksPath), options.JwksPath),
    }.OfType<string>().Select(rule => $"{nameof(CibaOptions)}: {rule}.");

    public static IEnumerable<string> Check(CibaJwtTokenIssuerOptions options) => new[]
    {
        Between(nameof(CibaJwtTokenIssuerOptions.AccessTokenLifetime), options.AccessTokenLifetime, OneSecond, TimeSpan.FromDays(366), wholeSeconds: true),
        Between(nameof(CibaJwtTokenIssuerOptions.IdTokenLifetime), options.IdTokenLifetime, OneSecond, TimeSpan.FromDays(366), wholeSeconds: true),
        options.PairwiseSubjectSalt is { Length: < MinSecretLength } ? Option(nameof(CibaJwtTokenIssuerOptions.PairwiseSubjectSalt), $"must have {MinSecretLength} characters at least") : null,
    }.OfType<string>().Select(rule => $"{nameof(CibaJwtTokenIssuerOptions)}: {rule}.");

    public static IEnumerable<string> Check(CibaWebhookOptions options) => new[]
    {
        WhyNotWebhook(options.Url) is { } problem ? Option(nameof(CibaWebhookOptions.Url), problem) : null,
        options.Secret is not { Length: >= MinSecretLength } ? Option(nameof(CibaWebhookOptions.Secret), $"must have {MinSecretLength} characters at least") : null,
        options.SecondSecret is { Length: < MinSecretLength } ? Option(nameof(CibaWebhookOptions.SecondSecret), $"must have {MinSecretLength} characters at least, or be left out") : null,
    }.OfType<string>().Select(rule => $"{nameof(CibaWebhookOptions)}: {rule}.");

    /// <summary>What is wrong with the time-out of a notifier, where it has one of its own; or null.</summary>
    public static string? CheckTimeout(string name, TimeSpan? timeout) =>
        timeout is { } own && Between(name, own, ShortestNotification, LongestNotification) is { } rule ? $"{rule}." : null;

    private static IEnumerable<string?> Check(CibaCallbackOptions? callbacks) => callbacks is null
        ? [Option(nameof(CibaOptions.Callbacks), "is null; leave it out, or give it settings")]
        :
        [
            callbacks.AllowedNetworks is null ? Option(Callback(nameof(callbacks.AllowedNetworks)), "must be a list") : null,
            .. (callbacks.AllowedNetworks ?? []).Where(network => AddressRules.Read(network) is null).Select(network =>
                Option(Callback(nameof(callbacks.AllowedNetworks)), $"holds '{network}', which is no network: write 10.1.0.0/16 or ::1/128, zero behind the prefix, with a port if need be (10.1.0.0/16:8443), or a single address")),
            Enum.IsDefined(callbacks.RevocationMode) ? null : Option(Callback(nameof(callbacks.RevocationMode)), "must be Online, Offline or NoCheck"),
            Between(Callback(nameof(callbacks.Timeout)), callbacks.Timeout, TimeSpan.FromMilliseconds(1), OneMinute),
            Between(Callback(nameof(callbacks.ConnectTimeout)), callbacks.ConnectTimeout, TimeSpan.FromMilliseconds(1), OneMinute),
            callbacks.ConnectTimeout > callbacks.Timeout ? Option(Callback(nameof(callbacks.ConnectTimeout)), "must not be longer than Timeout") : null,
            callbacks.MaxConcurrent is < 1 or > MaxCallbacks ? Option(Callback(nameof(callbacks.MaxConcurrent)), $"must be between 1 and {MaxCallbacks}") : null,
            callbacks.MaxConcurrentPerReceiver < 1 || callbacks.MaxConcurrentPerReceiver > callbacks.MaxConcurrent
                ? Option(Callback(nameof(callbacks.MaxConcurrentPerReceiver)), "must be between 1 and MaxConcurrent") : null,
        ];

    private static IEnumerable<string?> Check(CibaDpopOptions? dpop) => dpop is null
        ? [Option(nameof(CibaOptions.Dpop), "is null; leave it out, or give it settings")]
        :
        [
            dpop.SigningAlgValuesSupported?.Except(JoseAlgorithms.Asymmetric).Any() is true
                ? Option(Dpop(nameof(dpop.SigningAlgValuesSupported)), $"must be some of {string.Join(", ", JoseAlgorithms.Asymmetric)}, or empty to switch DPoP off") : null,
            Between(Dpop(nameof(dpop.ProofLifetime)), dpop.ProofLifetime, OneSecond, TimeSpan.FromHours(1)),
            Between(Dpop(nameof(dpop.NonceLifetime)), dpop.NonceLifetime, OneSecond, TimeSpan.FromHours(1)),
        ];

    private static string Dpop(string name) => $"{nameof(CibaOptions.Dpop)}.{name}";

    private static IEnumerable<string?> Check(CibaMutualTlsOptions? mutualTls, CibaOptions options) => mutualTls is null
        ? [Option(nameof(CibaOptions.MutualTls), "is null; leave it out, or give it settings")]
        :
        [
            mutualTls.BaseAddress is { } address && WhyNotBaseAddress(address, mutualTls.Enabled, options) is { } problem
                ? Option(MutualTls(nameof(mutualTls.BaseAddress)), problem) : null,
            mutualTls.TrustedAuthorityFiles is null ? Option(MutualTls(nameof(mutualTls.TrustedAuthorityFiles)), "must be a list") : null,
            Enum.IsDefined(mutualTls.CertificateSource) ? null : Option(MutualTls(nameof(mutualTls.CertificateSource)), "must be Connection or Forwarded"),
            Enum.IsDefined(mutualTls.RevocationMode) ? null : Option(MutualTls(nameof(mutualTls.RevocationMode)), "must be Online, Offline or NoCheck"),
        ];

    private static string MutualTls(string name) => $"{nameof(CibaOptions.MutualTls)}.{name}";

    private static string? WhyNotBaseAddress(string address, bool isUsed, CibaOptions options) =>
        !Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http")
            ? "is no absolute URL: set it to the address where the server asks for client certificates, for instance https://mtls.example.com"
        : uri.Scheme == "http" && options.RequireHttps && !(uri.IsLoopback && ProtocolEndpoint.IsLoopback(options.Issuer))
            ? "must be an https URL (http only for loopback where the issuer is there too, or with RequireHttps switched off)"
        : uri.AbsolutePath != "/" || uri.UserInfo.Length > 0 || address.AsSpan().ContainsAny("?#@") || address.Any(char.IsWhiteSpace)
            ? "must be scheme, host and port alone, without path, query, fragment, user information or white space"
        : !isUsed ? "needs MutualTls.Enabled: set that, or leave it out"
        : null;

    private static string ClientKeys(string name) => $"{nameof(CibaOptions.ClientKeys)}.{name}";

    private static string LongPolling(string name) => $"{nameof(CibaOptions.LongPolling)}.{name}";

    private static string Limits(string name) => $"{nameof(CibaOptions.Limits)}.{name}";

    private static string Callback(string name) => $"{nameof(CibaOptions.Callbacks)}.{name}";

    /// <summary>What keeps a text from being an issuer identifier, or null.</summary>
    public static string? WhyNotIssuer(string? issuer, bool requireHttps)
    {
        if (!Uri.TryCreate(issuer, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http"))
        {
            return "is missing or no absolute URL: set it to the address of this provider, for instance https://id.example.com";
        }

        if (uri.Scheme == "http" && requireHttps && !uri.IsLoopback)
        {
            return "must be an https URL (http only for loopback, or with RequireHttps switched off)";
        }

        return uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0 || issuer.AsSpan().ContainsAny("?#") || issuer.Any(char.IsWhiteSpace)
            ? "must have no query, fragment, user information or white space"
            : null;
    }

    private static string? WhyNotWebhook(string? url) =>
        !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http")
            ? "is missing or no absolute URL: set it to what is to be told, for instance https://push.example.com/ciba"
        : uri.Scheme == "http" && !uri.IsLoopback ? "must be an https URL (http only for loopback)"
        : uri.Fragment.Length > 0 || uri.UserInfo.Length > 0 ? "must have no fragment or user information"
        : null;

    private static string? Path(string name, string path) =>
        path is { Length: > 1 } && path[0] == '/' && !path.AsSpan().ContainsAny("{}?# ") && !path.Contains("//", StringComparison.Ordinal) && new PathString(path).HasValue
            ? null
            : Option(name, "must be a path that begins with a slash");

    private static string? Between(string name, TimeSpan value, TimeSpan least, TimeSpan most, bool wholeSeconds = false) =>
        value < least || value > most ? Option(name, $"must be between {least:c} and {most:c}, not {value:c}")
        : wholeSeconds && value.Ticks % TimeSpan.TicksPerSecond != 0 ? Option(name, $"must be whole seconds, not {value:c}")
        : null;

    private static string? Between(string name, int value, int least, int most) =>
        value < least || value > most ? Option(name, $"must be between {least} and {most}, not {value}") : null;

    private static string? NotNegative(string name, int value, string zero = "no limit") => value < 0 ? Option(name, $"must be 0 ({zero}) or more") : null;

    private static string Option(string name, string rule) => $"{name} {rule}";
}
