using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ciba.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// The certificate authorities that the host trusts for <c>tls_client_auth</c>, and no other: neither those of the machine, nor what
/// a certificate says about itself. What has been found good is not looked at again for a few minutes, nor beyond the end of any
/// certificate of its chain; what was found bad is looked at each time.
/// </summary>
internal sealed partial class TrustedAuthorities
{
    /// <summary>How long a chain that was found good is good, and so how late a revocation may be seen.</summary>
    public static readonly TimeSpan KnownFor = TimeSpan.FromMinutes(5);

    private const int MaxKnown = 10_000;
    private const int MaxChecks = 16;
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private static readonly TimeSpan RevocationTimeout = TimeSpan.FromSeconds(5);

    private readonly X509Certificate2Collection _all = [];
    private readonly X509Certificate2Collection _roots = [];
    private readonly X509RevocationMode _revocation;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly BoundedMemory<DateTimeOffset> _good = new(MaxKnown);
    private readonly HostThreads _threads = new("CIBA certificates", MaxChecks);
    private readonly ConcurrentDictionary<string, Lazy<Task<string?>>> _running = new(StringComparer.Ordinal);

    public TrustedAuthorities(IOptions<CibaOptions> options, TimeProvider time, ILogger<TrustedAuthorities> logger)
    {
        _time = time;
        _logger = logger;
        var problems = new List<string>();
        if (options.Value.MutualTls is { } mutualTls)
        {
            _revocation = mutualTls.RevocationMode;
            _all.AddRange(mutualTls.TrustedAuthorities);
            problems.AddRange((mutualTls.TrustedAuthorityFiles ?? []).Select(AddFile).OfType<string>());
            _roots.AddRange(_all.Where(IsRoot).ToArray());
            if (_all.Count > 0 && _roots.Count == 0)
            {
                problems.Add($"{nameof(mutualTls.TrustedAuthorities)} and {nameof(mutualTls.TrustedAuthorityFiles)} hold no root: add the certificate that its subject has issued itself, at which the chains end");
            }
        }

        Problems = [.. problems.Select(problem => $"{nameof(CibaOptions)}: {nameof(CibaOptions.MutualTls)}.{problem}.")];
    }

    public IReadOnlyList<string> Problems { get; }

    public bool IsEmpty => _roots.Count == 0;

    /// <summary>Why the certificate is not trusted, for the operator; null where it is.</summary>
    public async ValueTask<string?> WhyNotAsync(X509Certificate2 certificate, CancellationToken cancellationToken)
    {
        var thumbprint = certificate.GetCertHashString(HashAlgorithmName.SHA256);
        if (_good.TryGet(thumbprint, out var until) && _time.GetUtcNow() < until)
        {
            return null;
        }

        // One check runs, and all who have the same certificate wait for what it finds. It goes on where they have gone, or those who
        // come and go would begin it again and again. A copy, because the connection may end meanwhile; and not on the caller's
        // thread, because to ask for revocations blocks it.
        var encoded = certificate.RawData;
        var check = _running.GetOrAdd(thumbprint, _ => new Lazy<Task<string?>>(() => _threads.RunAsync(() => CheckOnce(thumbprint, encoded))));
        return await check.Value.WaitAsync(cancellationToken);
    }

    private string? CheckOnce(string thumbprint, byte[] encoded)
    {
        try
        {
            return Check(thumbprint, encoded);
        }
        finally
        {
            _running.TryRemove(thumbprint, out _);
        }
    }

    private string? Check(string thumbprint, byte[] encoded)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(encoded);
        using var chain = new X509Chain();
        var now = _time.GetUtcNow();
        try
        {
            // Revocation is asked for only where all else is right: it is the certificate that says where to ask.
            Configure(chain.ChainPolicy, now);
            if (!chain.Build(certificate) || !IsNotRevoked(chain, certificate))
            {
                var found = string.Join(", ", chain.ChainStatus.Select(status => status.Status).Distinct());
                Built(found);
                return $"its chain is refused: {found}";
            }

            Keep(thumbprint, now, chain);
            Built("good");
            return null;
        }
        catch (CryptographicException)
        {
            return "its chain cannot be checked";
        }
        finally
        {
            DisposeElements(chain);
        }
    }

    private void Configure(X509ChainPolicy policy, DateTimeOffset now)
    {
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_roots);
        policy.ExtraStore.AddRange(_all);
        policy.DisableCertificateDownloads = true;
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.VerificationTime = now.LocalDateTime;
        policy.UrlRetrievalTimeout = RevocationTimeout;

        // Where the certificate says what it is for, clients must be among it.
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
    }

    private bool IsNotRevoked(X509Chain chain, X509Certificate2 certificate)
    {
        if (_revocation == X509RevocationMode.NoCheck)
        {
            return true;
        }

        // The second chain takes the place of the first, which nobody else disposes of.
        DisposeElements(chain);
        chain.ChainPolicy.RevocationMode = _revocation;
        return chain.Build(certificate);
    }

    private static void DisposeElements(X509Chain chain)
    {
        foreach (var element in chain.ChainElements)
        {
            element.Certificate.Dispose();
        }
    }

    private void Keep(string thumbprint, DateTimeOffset now, X509Chain chain)
    {
        var firstEnd = chain.ChainElements.Min(element => new DateTimeOffset(element.Certificate.NotAfter));
        _good.Set(thumbprint, firstEnd < now + KnownFor ? firstEnd : now + KnownFor);
    }

    private string? AddFile(string file)
    {
        try
        {
            var before = _all.Count;
            _all.ImportFromPem(File.ReadAllText(file));
            return _all.Count > before ? null : $"{nameof(CibaMutualTlsOptions.TrustedAuthorityFiles)} names '{file}', which holds no certificate in PEM";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return $"{nameof(CibaMutualTlsOptions.TrustedAuthorityFiles)} names '{file}', which is not there or cannot be read";
        }
        catch (CryptographicException)
        {
            return $"{nameof(CibaMutualTlsOptions.TrustedAuthorityFiles)} names '{file}', which holds a certificate that cannot be read";
        }
    }

    private static bool IsRoot(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    [LoggerMessage(1, LogLevel.Debug, "The chain of a client certificate was built: {Result}")]
    private partial void Built(string result);
}
