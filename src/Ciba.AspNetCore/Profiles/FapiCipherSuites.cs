using System.Net.Security;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Profiles;

/// <summary>The cipher suites of FAPI 1.0 part 2, section 8.5, without the DHE pair that RFC 9325 warns of.</summary>
internal static partial class FapiCipherSuites
{
    private static readonly TlsCipherSuite[] Tls13 =
        [TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256];

    private static readonly TlsCipherSuite[] Rsa =
        [TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];

    private static readonly TlsCipherSuite[] Ecdsa =
        [TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256];

    /// <summary>Null if the platform has no such policy.</summary>
    public static CipherSuitesPolicy? CreatePolicy(bool allowEcdsa)
    {
        if (OperatingSystem.IsWindows() || OperatingSystem.IsAndroid())
        {
            return null;
        }

        try
        {
            return new CipherSuitesPolicy([.. Tls13, .. Rsa, .. allowEcdsa ? Ecdsa : []]);
        }
        catch (PlatformNotSupportedException)
        {
            return null;
        }
    }

    public static void WarnIfUnsupported(IServiceProvider services, CibaOptions options)
    {
        if (options.Profile == CibaProfile.FapiCiba && !services.GetRequiredService<TlsPlatform>().HasCipherSuites)
        {
            NotSupported(services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(FapiCipherSuites)), string.Join(" and ", Rsa));
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The FAPI-CIBA profile allows only {CipherSuites} in TLS 1.2, and no program can set them on this platform: set those of the machine (on Windows by group policy or Disable-TlsCipherSuite), leave out TLS 1.2, or let a proxy end TLS", EventName = "CipherSuitesNotSupported")]
    private static partial void NotSupported(ILogger logger, string cipherSuites);
}

/// <summary>What the machine's TLS can be told.</summary>
internal sealed class TlsPlatform
{
    /// <summary>Whether a program can choose the cipher suites.</summary>
    public bool HasCipherSuites { get; init; } = FapiCipherSuites.CreatePolicy(allowEcdsa: false) is not null;
}
