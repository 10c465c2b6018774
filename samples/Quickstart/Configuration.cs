using System.Globalization;
using Microsoft.Extensions.Configuration.Json;

namespace Quickstart;

/// <summary>The things that the standard configuration does not do.</summary>
public static class Configuration
{
    private static readonly string[] Settings = ["Automation", "Demo", "EcdsaCipherSuites", "MaxSignInFailures", "Page", "PairwiseSubjectSalt", "TrustedCallbackCertificate", "Users"];

    private static readonly string[] Switches = ["Automation", "Demo", "EcdsaCipherSuites", "Page"];

    private static readonly string[] UserSettings =
        [nameof(User.Subject), nameof(User.Username), nameof(User.Password), nameof(User.Name), nameof(User.Email), nameof(User.Phone), nameof(User.UserCode), nameof(User.Active)];

    /// <summary>
    /// The appsettings beside the program, wherever it is started, and <c>--config FILE</c>, a JSON file that wins over
    /// appsettings and loses to environment and command line. False where that file cannot be read.
    /// </summary>
    public static bool TryAddQuickstartFiles(this ConfigurationManager configuration, string[] args)
    {
        var sources = configuration.Sources;
        var appSettings = sources.Select((source, index) => (source, index)).Where(known => known.source is JsonConfigurationSource).ToList();
        if (new ConfigurationBuilder().AddCommandLine(args).Build()["config"] is { Length: > 0 } file)
        {
            try
            {
                sources.Insert(appSettings[^1].index + 1, Json(Path.GetFullPath(file)));
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"--config: {Path.GetFullPath(file)} is not there or holds no JSON. Correct the path or the file, or leave the setting out.");
                return false;
            }
        }

        sources.Insert(appSettings[0].index, Json(Path.Combine(AppContext.BaseDirectory, "appsettings.json")));
        return true;
    }

    /// <summary>Whether all settings under <c>Quickstart</c> are known and can be read. The library checks those under <c>Ciba</c> itself.</summary>
    public static bool HasValidSettings(this IConfiguration configuration)
    {
        var settings = configuration.GetSection("Quickstart");
        var unknown = Unknown(settings, Settings).Concat(settings.GetSection("Users").GetChildren().SelectMany(user => Unknown(user, UserSettings))).ToList();
        foreach (var setting in unknown)
        {
            Console.Error.WriteLine($"{setting.Path} is not a setting. Correct its name or leave it out.");
        }

        var unreadable = Switches.Select(settings.GetSection).Where(setting => setting.Value is { } value && !bool.TryParse(value, out _)).ToList();
        foreach (var setting in unreadable)
        {
            Console.Error.WriteLine($"{setting.Path} must be true or false.");
        }

        var isLimit = configuration[PasswordCheck.Setting] is not { } limit || int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        if (!isLimit)
        {
            Console.Error.WriteLine($"{PasswordCheck.Setting} must be a whole number, or 0 for no limit.");
        }

        return unknown.Count + unreadable.Count == 0 && isLimit;
    }

    /// <summary>The issuer where the configuration names none: the first address that the program listens on.</summary>
    public static string IssuerFromUrls(this IConfiguration configuration)
    {
        var url = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"]).FirstOrDefault(url => url is not null)
            ?? configuration["urls"]?.Split(';')[0]
            ?? "http://localhost:5080";

        return Reachable(url).TrimEnd('/');
    }

    /// <summary>The address by which this machine calls what listens there: those that mean "everywhere" are no names.</summary>
    public static string Reachable(string url) =>
        url.Replace("://*", "://localhost").Replace("://+", "://localhost").Replace("://0.0.0.0", "://localhost").Replace("://[::]", "://localhost");

    private static IEnumerable<IConfigurationSection> Unknown(IConfiguration settings, string[] known) =>
        settings.GetChildren().Where(setting => !known.Contains(setting.Key, StringComparer.OrdinalIgnoreCase));

    private static JsonConfigurationSource Json(string path)
    {
        var source = new JsonConfigurationSource { Path = path, Optional = false };
        source.ResolveFileProvider();
        return source;
    }
}
